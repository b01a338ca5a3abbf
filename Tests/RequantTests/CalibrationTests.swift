import Datasets
import Foundation
import OneDNNBackend
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// Our calibration against the tables and histograms of MXNet's.
struct CalibrationTests {

    /// Entropy's tables have the names of nodes.
    private static func entry(of value: String, in table: [String: [Double]]) -> [Double]? {
        table["\(value)_quantize"] ?? table["requantize_" + value.replacingOccurrences(of: "_output", with: "")]
    }

    /// The extremes that MXNet saw: equal but for the last bits of float32 sums in another order.
    @Test(arguments: ResidualNetwork.all) func naiveRangesAreMXNets(_ network: ResidualNetwork) throws {
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let theirs = try #require(try network.calibrationTables()["naive-auto-tw-full"])
        let ours = try float.fused().model.calibrate(
            theirs.keys.sorted(), on: network.calibrationData(), batchSize: 100, method: .naive, threads: 1
        ).table.ranges
        #expect(ours.count == theirs.count)
        for (name, bounds) in theirs {
            let range = try #require(ours[name])
            #expect(abs(Double(range.min) - bounds[0]) <= 1e-6 * max(1, abs(bounds[0])), "\(name)")
            #expect(abs(Double(range.max) - bounds[1]) <= 1e-6 * max(1, abs(bounds[1])), "\(name)")
        }
    }

    /// From MXNet's own histograms, MXNet's thresholds, bit for bit. Three layers of each network, since the search
    /// takes seconds in a debug build; `histogramsAreMXNets` shows that the others get the same input.
    @Test(arguments: ResidualNetwork.all) func thresholdsOfTheSameHistogramsAreMXNets(_ network: ResidualNetwork) throws
    {
        let archive = try NumPyArchive(network.path("entropy-histograms.npz"))
        let table = try #require(try network.calibrationTables()["entropy-auto-tw-full"])
        for name in ["data", "sg_mkldnn_conv_bn_act_11_output", "sg_mkldnn_conv_bn_7_output"] {
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

    /// From the same data, MXNet's histograms: every count of every layer. oneDNN adds up float32 in the same order as
    /// MXNet's own where both have AVX-512; elsewhere a few values fall into the bin beside.
    @Test(arguments: ResidualNetwork.all) func histogramsAreMXNets(_ network: ResidualNetwork) throws {
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let archive = try NumPyArchive(network.path("entropy-histograms.npz"))
        let names = archive.names.filter { $0.hasSuffix("|hist") }.map { String($0.dropLast(5)) }
        let histograms = try float.fused().model.histograms(
            names, on: network.calibrationData(), batchSize: 100, threads: 1)
        let tolerance = InstructionSet.current.name.hasPrefix("AVX512") ? 0.0 : 0.001
        for name in names {
            let ours = try #require(histograms[name])
            let theirs = try archive.tensor(named: "\(name)|hist").asInts()
            try #require(ours.counts.count == theirs.count, "\(name)")
            let moved = zip(ours.counts, theirs).reduce(0) { $0 + abs($1.0 - $1.1) }
            #expect(Double(moved) <= tolerance * Double(theirs.reduce(0, +)), "\(name): \(moved)")
        }
    }

    /// A value whose bulk is one constant collapses: the warning names it and says what to do.
    @Test func aCollapsedRangeIsWarnedOf() throws {
        // Nine of ten values are zero, the others spread up to 1; a threshold of 0.1 keeps the spike only.
        let values = (0..<10_000).map { $0 % 10 == 0 ? Float($0) / 10_000 : 0 }
        let histogram = values.withUnsafeBufferPointer { Histogram($0) }
        let report = ClippingReport(["layer": ValueRange(0, 0.1)], ["layer": histogram], order: ["layer"])
        #expect(report.warnings.count == 1)
        #expect(report.warnings[0].contains("layer") && report.warnings[0].contains("--calibrate naive"))
        let wide = ClippingReport(["layer": ValueRange(0, 1)], ["layer": histogram], order: ["layer"])
        #expect(wide.warnings.isEmpty)
    }
}

extension ResidualNetwork {
    /// What MXNet calibrated with, to the last bit of float32.
    func calibrationData() throws -> Dataset { try normalized("calib-u8.npz") }
    func testData() throws -> Dataset { try normalized("test-u8.npz") }

    /// float32((u8 / 255 − 0.1307) / 0.3081) for the digits, u8 / 255 for the photos.
    private func normalized(_ file: String) throws -> Dataset {
        let archive = try NumPyArchive(path(file))
        let pixels = try archive.tensor(named: "data"), isDigits = name == "resnet18-mnist"
        let values = pixels.elements(as: UInt8.self).map { pixel in
            let unit = Float(pixel) / 255
            return isDigits ? (unit - 0.1307) / 0.3081 : unit
        }
        return try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/normalized.npz"
            try NumPyArchive.write(
                [("data", Tensor(values, shape: pixels.shape)), ("label", try archive.tensor(named: "label"))], to: path
            )
            return try Dataset.open(paths: [path], inputs: ["data"])
        }
    }
}
