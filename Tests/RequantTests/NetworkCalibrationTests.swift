import Datasets
import Foundation
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// Our calibration of the small networks against the tables that MXNet made: 4 batches of 8.
struct NetworkCalibrationTests {
    static let networks = SmallNetwork.all

    /// The extremes that MXNet saw, to the last of the six decimals that it writes.
    @Test(arguments: networks) func naiveRangesAreMXNets(_ network: SmallNetwork) throws {
        guard let (fused, dataset) = try Self.prepared(network) else { return }
        let theirs = try #require(try network.calibrationTables()["naive-auto-tw-full"])
        let ours = try fused.calibrate(
            theirs.keys.sorted(), on: dataset, batchSize: 8, search: RangeSearch(.naive), threads: 1
        ).table.ranges
        for (name, bounds) in theirs {
            let range = try #require(ours[name], "\(name)")
            for (a, b) in [(Double(range.min), bounds[0]), (Double(range.max), bounds[1])] {
                #expect(abs(a - b) <= 1e-6 * max(1, abs(b)), "\(name)")
            }
        }
        print("\(network): \(theirs.count) ranges")
    }

    /// The thresholds that MXNet chose, of some values of each network: the search takes long in a debug build.
    @Test(arguments: networks) func entropyThresholdsAreMXNets(_ network: SmallNetwork) throws {
        guard let (fused, dataset) = try Self.prepared(network) else { return }
        let nodes = try #require(try network.calibrationTables()["entropy-auto-tw-full"])
        let known = Set(fused.calibratableValues)
        var theirs: [String: [Double]] = [:]
        for (node, bounds) in nodes.sorted(by: { $0.key < $1.key }) {
            theirs[NetworkStageTests.value(ofNode: node, among: known)] = bounds
        }
        // Ranges that a concat had aligned were not written by calibration.
        let values = theirs.keys.sorted().prefix(ProcessInfo.processInfo.environment["REQUANT_ALL"] == nil ? 2 : 1000)
        var search = RangeSearch(.entropy)
        search.entropySearch = .mxnet
        let ours = try fused.calibrate(
            Array(values), on: dataset, batchSize: 8, search: search, threads: 1
        ).table.ranges
        for name in values {
            let range = try #require(ours[name], "\(name)"), bounds = try #require(theirs[name])
            #expect(abs(Double(range.min) - bounds[0]) <= 1.5e-6 * max(1, abs(bounds[0])), "\(name)")
            #expect(abs(Double(range.max) - bounds[1]) <= 1.5e-6 * max(1, abs(bounds[1])), "\(name)")
        }
        print("\(network): \(values.count) of \(theirs.count) thresholds")
    }

    /// The fused network and its data; nil if an operator is not there yet.
    private static func prepared(_ network: SmallNetwork) throws -> (Model, Dataset)? {
        guard try network.isKnown() else { return nil }
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let labels = Set(float.labelNames)
        let dataset = try Dataset.open(
            paths: [network.calibrationArchive()], inputs: float.inputNames.filter { !labels.contains($0) })
        return (try float.fused(arithmetic: .mxnet).model, dataset)
    }
}

/// Tables that lack some values: the runs find those ranges, and the layers around them are as they were.
struct PartialCalibrationTests {
    /// Of LeNet, each value in turn is not calibrated. Run-time ranges are those of a batch, so the numbers differ a little.
    @Test func layersBehindRunTimeRangesEndAsTheySay() throws {
        let network = try #require(SmallNetwork.all.first { $0.name == "lenet-sym" })
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let archive = try network.calibrationArchive()
        let inputs = ["data": try NumPyArchive(archive).tensor(named: "data").rows(0..<8)]
        let expected = try ModelRunner(float, threads: 1).run(inputs)[0].floats()
        var recipe = QuantizationRecipe()
        recipe.method = .naive
        let full = try #require(float.quantized(recipe, dataset: float.dataset(archive)).table)
        for entry in full.entries {
            recipe.ranges = RangeTable(entries: full.entries.filter { $0.name != entry.name })
            let model = try float.quantized(recipe).model
            let found = try ModelRunner(model, threads: 1).run(inputs)[0].floats()
            let largest = zip(expected, found).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(largest < 0.05, "without '\(entry.name)': probabilities are off by \(largest)")
        }
    }
}
