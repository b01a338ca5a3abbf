import Foundation
import MXNetFormat
import Operators
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// Every stage of every small network: the symbol that Requant makes is MXNet's, node for node, and its parameters are
/// MXNet's, bit for bit. Ranges are taken from MXNet's tables; that calibration finds the same is another test.
struct NetworkStageTests {
    struct Stage: Sendable, CustomStringConvertible {
        let network: SmallNetwork
        let name: StageName
        var description: String { "\(network.name)/\(name.text)" }
    }

    static let stages = SmallNetwork.all.flatMap { network in network.stages.map { Stage(network: network, name: $0) } }

    @Test func thereAreTwentyNetworks() { #expect(SmallNetwork.all.count == 20 && Self.stages.count > 140) }

    @Test(arguments: stages) func symbolAndParametersAreMXNets(_ stage: Stage) throws {
        guard try stage.network.isKnown() else { return }
        let model = try Self.make(stage)
        try Fixtures.withTemporaryFolder { folder in
            let paths = try model.saveCheckpoint(to: folder + "/ours")
            let expected = stage.network.symbol(of: stage.name)
            let difference = try SymbolDifference(paths.symbol, expected, rangeTolerance: 1.5e-6)
            #expect(difference.differences.prefix(6) == [])
            let count = try Self.compareParameters(try #require(paths.parameters), expected, stage.network)
            print("\(stage): \(difference.differences.isEmpty ? "the same symbol" : "DIFFERS"), \(count) parameters")
        }
    }

    /// Every parameter that MXNet's symbol needs is there and equal.
    private static func compareParameters(_ ours: String, _ symbol: String, _ network: SmallNetwork) throws -> Int {
        let ours = try arrays(ours)
        var theirs = try arrays(network.floatParameters)
        if let path = network.int8Parameters { theirs.merge(try arrays(path)) { _, int8 in int8 } }
        var needed: [String] = []
        for node in try SymbolReader.read(symbol).nodes where node.isVariable {
            guard let expected = theirs[node.name] else { continue }
            #expect(ours[node.name] == expected, "\(node.name)")
            needed.append(node.name)
        }
        #expect(Set(ours.keys) == Set(needed))
        return needed.count
    }

    private static func arrays(_ path: String) throws -> [String: Tensor] {
        let entries = try ParametersReader.read(path).entries
        return Dictionary(
            entries.compactMap { entry in entry.array.tensor.map { (String(entry.name.dropFirst(4)), $0) } }
        ) { first, _ in first }
    }

    static func recipe(for stage: Stage) -> QuantizationRecipe {
        var recipe = QuantizationRecipe()
        recipe.options.codeType = .init(rawValue: stage.name.codeType) ?? .auto
        recipe.options.mode = stage.name.isSmart ? .smart : .full
        recipe.options.granularity = stage.name.isChannelWise ? .channelWise : .tensorWise
        recipe.options.excludedNames = stage.network.excluded
        recipe.method = stage.name.number == 3 ? .none : stage.name.usesEntropy ? .entropy : .naive
        recipe.postFuses = stage.name.isPostFused
        // MXNet's own choice of what to fuse, where it changes the numbers.
        recipe.fusion = .mxnet
        return recipe
    }

    private static func make(_ stage: Stage) throws -> Model {
        let float = try Model.load(stage.network.floatSymbol, parameters: stage.network.floatParameters)
        if stage.name.number == 2 {
            return try float.fused(stage.name.isForFloat ? .float : .quantize, arithmetic: .mxnet).model
        }
        var recipe = recipe(for: stage)
        if recipe.method != .none { recipe.ranges = try ranges(of: stage, float) }
        return try float.quantized(recipe).model
    }

    /// MXNet's own ranges, by value: its tables name values for naive and nodes for entropy.
    private static func ranges(of stage: Stage, _ float: Model) throws -> RangeTable {
        let table = try #require(try stage.network.calibrationTables()[stage.name.tableKey])
        let values = Set(try float.fused(arithmetic: .mxnet).model.calibratableValues)
        return RangeTable(
            entries: table.map { key, bounds in
                RangeTable.Entry(
                    name: stage.name.usesEntropy ? value(ofNode: key, among: values) : key,
                    range: ValueRange(Float(bounds[0]), Float(bounds[1])), method: "mxnet")
            })
    }

    /// `requantize_conv0` → `conv0_output`; `conv0_output_quantize`, `clip0_0_quantize` → `conv0_output`, `clip0_output`;
    /// `data_quantize` → `data`; `quantized_bn0` → `bn0_output`.
    static func value(ofNode name: String, among values: Set<String>) -> String {
        for prefix in ["requantize_", "quantized_"] where name.hasPrefix(prefix) {
            return name.dropFirst(prefix.count) + "_output"
        }
        let value = String(name.dropLast("_quantize".count))
        return values.contains(value)
            ? value
            : value.replacing(/_[0-9]+$/) { "_output" + ($0.output == "_0" ? "" : String($0.output.dropFirst())) }
    }
}
