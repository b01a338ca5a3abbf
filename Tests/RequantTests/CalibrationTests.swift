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
            theirs.keys.sorted(), on: network.calibrationData(), batchSize: 100, search: RangeSearch(.naive), threads: 1
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
            let range = EntropyThreshold(histogram, search: .mxnet).range(allowsUnsigned: true)
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
        let histograms = try float.fused().model.calibrate(
            names, on: network.calibrationData(), batchSize: 100, search: RangeSearch(.percentile), threads: 1
        ).statistics.histograms
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
        func warnings(_ limit: Float) -> [String] {
            let range = ValueRange(0, limit)
            let error = RangeError(range, isUnsigned: true, of: histogram)
            let choice = RangeSearch.Choice(range: range, method: .entropy, error: error)
            return CalibrationWarnings.of(["layer": choice], ["layer": histogram], order: ["layer"])
        }
        #expect(warnings(0.1).count == 1)
        #expect(warnings(0.1)[0].contains("layer") && warnings(0.1)[0].contains("--calibrate naive"))
        #expect(warnings(1).isEmpty)
    }

    /// The digits in two parts: extremes merge to the same as one run; histograms too if the second goes on from the first,
    /// and within a bin if both begin by themselves.
    @Test func partsMergeToWhatOneRunFinds() throws {
        let model = try Model.load(ResidualNetwork.mnist.floatSymbol, parameters: ResidualNetwork.mnist.floatParameters)
            .fused().model
        let values = Array(model.calibratableValues.filter { !$0.contains("weight") }.prefix(3))
        func run(_ method: CalibrationMethod, batches: Range<Int>, from: [String: Histogram] = [:]) throws -> Calibration {
            try model.calibrate(
                values, on: ResidualNetwork.mnist.calibrationData(batches.lowerBound * 50..<batches.upperBound * 50),
                batchSize: 50, search: RangeSearch(method), from: from, threads: 1)
        }
        try Fixtures.withTemporaryFolder { folder in
            let naive = try ["a.txt": 0..<2, "b.txt": 2..<4].map { name, part in
                try run(.naive, batches: part).table.write(to: folder + "/" + name)
                return folder + "/" + name
            }.sorted()
            let whole = try run(.naive, batches: 0..<4)
            let merged = try Calibration.merging(naive, RangeSearch(.naive))
            #expect(merged.table.ranges == whole.table.ranges && merged.warnings.isEmpty)

            let first = try run(.entropy, batches: 0..<2), one = try run(.entropy, batches: 0..<4)
            try HistogramFile.write(first.statistics.histograms, order: values, to: folder + "/a.npz")
            let read = try HistogramFile.read(folder + "/a.npz")
            #expect(read.order == values)
            let continued = try run(.entropy, batches: 2..<4, from: read.histograms)
            #expect(continued.table == one.table)
            #expect(continued.statistics.histograms.mapValues(\.counts) == one.statistics.histograms.mapValues(\.counts))

            let second = try run(.entropy, batches: 2..<4)
            try HistogramFile.write(second.statistics.histograms, order: values, to: folder + "/b.npz")
            let both = try Calibration.merging([folder + "/a.npz", folder + "/b.npz"], RangeSearch(.percentile))
            #expect(both.table.entries.map(\.name) == values)
            for name in values {
                let ours = try #require(both.statistics.histograms[name]), theirs = try #require(one.statistics.histograms[name])
                #expect(ours.counts.reduce(0, +) == theirs.counts.reduce(0, +) && ours.range == theirs.range)
            }
        }
    }

    /// MXNet's own histograms, merged to MXNet's table: the file that the corpus has is one of ours.
    @Test func histogramsOfOthersAreRead() throws {
        let network = ResidualNetwork.photos
        let table = try #require(try network.calibrationTables()["entropy-auto-tw-full"])
        let file = try HistogramFile.read(network.path("entropy-histograms.npz"))
        let name = "sg_mkldnn_conv_bn_act_6_output"
        var search = RangeSearch(.entropy)
        search.entropySearch = .mxnet
        let range = try #require(file.histograms[name].flatMap(search.choice)?.range)
        let expected = try #require(Self.entry(of: name, in: table))
        #expect(String(format: "%.6f", range.max) == String(format: "%.6f", expected[1]))
    }
}

extension ResidualNetwork {
    /// What MXNet calibrated with, to the last bit of float32.
    func calibrationData(_ rows: Range<Int>? = nil) throws -> Dataset { try normalized("calib-u8.npz", rows) }
    func testData() throws -> Dataset { try normalized("test-u8.npz") }

    /// float32((u8 / 255 − 0.1307) / 0.3081) for the digits, u8 / 255 for the photos.
    private func normalized(_ file: String, _ rows: Range<Int>? = nil) throws -> Dataset {
        let archive = try NumPyArchive(path(file))
        let pixels = try archive.tensor(named: "data"), isDigits = name == "resnet18-mnist"
        let rows = rows ?? 0..<pixels.shape[0], size = pixels.elementCount / pixels.shape[0]
        let labels = try archive.tensor(named: "label").asInts()[rows].map(Int64.init)
        let values = pixels.elements(as: UInt8.self)[rows.lowerBound * size..<rows.upperBound * size].map { pixel in
            let unit = Float(pixel) / 255
            return isDigits ? (unit - 0.1307) / 0.3081 : unit
        }
        return try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/normalized.npz"
            try NumPyArchive.write(
                [("data", Tensor(values, shape: pixels.shape.replacing(axis: 0, with: rows.count))), ("label", Tensor(labels))],
                to: path)
            return try Dataset.open(paths: [path], inputs: ["data"])
        }
    }
}
