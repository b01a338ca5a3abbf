import Datasets
import Foundation
import Passes
import Requant
import TensorCore
import TestSupport
import Testing

/// Our calibration against the tables and histograms of MXNet's.
struct CalibrationTests {
    private static func calibrate(_ network: ResidualNetwork, _ method: CalibrationMethod, unsigned: Bool = true) throws -> Calibration {
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let fused = try float.fused().model
        let values = try #require(try network.calibrationTables()["naive-auto-tw-full"]).keys.sorted()
        return try fused.calibrate(
            values, on: network.calibrationData(), batchSize: 100, method: method, allowsUnsigned: unsigned, threads: 1)
    }

    /// Entropy's tables have the names of nodes.
    private static func entry(of value: String, in table: [String: [Double]]) -> [Double]? {
        table["\(value)_quantize"] ?? table["requantize_" + value.replacingOccurrences(of: "_output", with: "")]
    }

    /// The extremes that MXNet saw: equal but for the last bits of float32 sums in another order.
    @Test(arguments: ResidualNetwork.all) func naiveRangesAreMXNets(_ network: ResidualNetwork) throws {
        let ours = try Self.calibrate(network, .naive).table.ranges
        let theirs = try #require(try network.calibrationTables()["naive-auto-tw-full"])
        #expect(ours.count == theirs.count)
        for (name, bounds) in theirs {
            let range = try #require(ours[name])
            #expect(abs(Double(range.min) - bounds[0]) <= 1e-6 * max(1, abs(bounds[0])), "\(name)")
            #expect(abs(Double(range.max) - bounds[1]) <= 1e-6 * max(1, abs(bounds[1])), "\(name)")
        }
    }

    /// From MXNet's own histograms, MXNet's thresholds, bit for bit.
    @Test(arguments: ResidualNetwork.all) func thresholdsOfTheSameHistogramsAreMXNets(_ network: ResidualNetwork) throws {
        let archive = try NumPyArchive(network.path("entropy-histograms.npz"))
        let table = try #require(try network.calibrationTables()["entropy-auto-tw-full"])
        let names = archive.names.filter { $0.hasSuffix("|hist") }.map { String($0.dropLast(5)) }
        #expect(names.count == table.count)
        for name in names {
            // Meta: first edge, last edge, minimum, maximum, threshold of the histogram.
            let meta = try archive.tensor(named: "\(name)|meta").elements(as: Double.self)
            let histogram = Histogram(
                counts: try archive.tensor(named: "\(name)|hist").asInts(), threshold: meta[4],
                range: ValueRange(Float(meta[2]), Float(meta[3])))
            let range = EntropyThreshold.range(of: histogram, allowsUnsigned: true)
            let expected = try #require(Self.entry(of: name, in: table))
            #expect(String(format: "%.6f", range.min) == String(format: "%.6f", expected[0]), "\(name)")
            #expect(String(format: "%.6f", range.max) == String(format: "%.6f", expected[1]), "\(name)")
        }
    }

    /// From the same data: within one bin of the histogram.
    @Test(arguments: ResidualNetwork.all) func entropyRangesAreMXNets(_ network: ResidualNetwork) throws {
        let ours = try Self.calibrate(network, .entropy)
        let theirs = try #require(try network.calibrationTables()["entropy-auto-tw-full"])
        let archive = try NumPyArchive(network.path("entropy-histograms.npz"))
        for entry in ours.table.entries {
            let meta = try archive.tensor(named: "\(entry.name)|meta").elements(as: Double.self)
            let bins = try archive.tensor(named: "\(entry.name)|hist").elementCount
            let expected = try #require(Self.entry(of: entry.name, in: theirs))
            #expect(abs(Double(entry.range.max) - expected[1]) <= 2 * meta[4] / Double(bins) + 1e-6, "\(entry.name)")
            print("ENT", network, entry.name, entry.range.max, expected[1])
        }
        print("WARN", network, ours.warnings)
    }
}

extension ResidualNetwork {
    /// What MXNet calibrated with: normalized float32 images.
    func calibrationData() throws -> Dataset {
        try Dataset.open(paths: [path("calib-u8.npz")], preprocessing: preprocessing, inputs: ["data"])
    }

    func testData() throws -> Dataset {
        try Dataset.open(paths: [path("test-u8.npz")], preprocessing: preprocessing, inputs: ["data"])
    }

    /// float32((u8 / 255 − 0.1307) / 0.3081) for the digits, u8 / 255 for the photos.
    var preprocessing: Preprocessing {
        name == "resnet18-mnist"
            ? Preprocessing(mean: [33.3285], standardDeviation: [78.5655]) : Preprocessing(scale: 1 / 255)
    }
}
