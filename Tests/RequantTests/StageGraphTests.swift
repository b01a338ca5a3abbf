import Foundation
import MXNetFormat
import Passes
import Requant
import TensorCore
import TestSupport
import Testing

/// The symbols and parameters that Requant writes are those that MXNet wrote, node for node and bit for bit.
///
/// Ranges are taken from MXNet's tables here, so that these tests are about graphs; that our own calibration finds the
/// same ranges is tested in CalibrationTests.
struct StageGraphTests {
    static let stages = ResidualNetwork.all.flatMap(\.stages)

    @Test func thereAreStagesOfBothNetworks() {
        #expect(Self.stages.count { $0.network.name == "resnet18-mnist" } == 18)
        #expect(Self.stages.count { $0.network.name == "resnet18-photos" } == 14)
    }

    @Test(arguments: stages) func theSymbolIsMXNets(_ stage: ResidualStage) throws {
        let model = try Self.make(stage)
        try Fixtures.withTemporaryFolder { folder in
            let paths = try model.saveCheckpoint(to: folder + "/ours")
            let difference = try SymbolDifference(paths.symbol, stage.symbol, rangeTolerance: 1.5e-6)
            #expect(difference.differences.prefix(10) == [])
        }
    }

    @Test(arguments: stages) func theParametersAreMXNets(_ stage: ResidualStage) throws {
        let model = try Self.make(stage)
        try Fixtures.withTemporaryFolder { folder in
            let paths = try model.saveCheckpoint(to: folder + "/ours")
            let ours = try Self.arrays(#require(paths.parameters)), theirs = try Self.arrays(stage.parameters)
            #expect(Set(ours.keys) == Set(theirs.keys))
            for (name, tensor) in theirs { #expect(ours[name] == tensor, "\(name)") }
        }
    }

    private static func arrays(_ path: String) throws -> [String: Tensor] {
        let entries = try ParametersReader.read(path).entries
        return Dictionary(entries.compactMap { entry in entry.array.tensor.map { (entry.name, $0) } }) { first, _ in
            first
        }
    }

    static func recipe(for stage: ResidualStage) -> QuantizationRecipe {
        var recipe = QuantizationRecipe()
        recipe.options.codeType = .init(rawValue: stage.codeType) ?? .auto
        recipe.options.mode = stage.isSmart ? .smart : .full
        recipe.options.granularity = stage.isChannelWise ? .channelWise : .tensorWise
        recipe.options.excludedNames = stage.excluded
        recipe.method = stage.number == 3 ? .none : stage.usesEntropy ? .entropy : .naive
        recipe.postFuses = stage.isPostFused
        return recipe
    }

    /// The stage, made from the float checkpoint.
    private static func make(_ stage: ResidualStage) throws -> Model {
        let float = try Model.load(stage.network.floatSymbol, parameters: stage.network.floatParameters)
        if stage.number == 2 { return try float.fused().model }
        var recipe = recipe(for: stage)
        if recipe.method != .none { recipe.ranges = try ranges(of: stage, float) }
        return try float.quantized(recipe).model
    }

    /// MXNet's own ranges, by value. Its tables name values for naive and nodes for entropy.
    private static func ranges(of stage: ResidualStage, _ float: Model) throws -> RangeTable {
        let table = try #require(try stage.network.calibrationTables()[stage.tableKey])
        return RangeTable(
            entries: table.map { key, bounds in
                RangeTable.Entry(
                    name: stage.usesEntropy ? Self.value(ofNode: key) : key,
                    range: ValueRange(Float(bounds[0]), Float(bounds[1])), method: "mxnet")
            })
    }

    /// `requantize_conv0` → `conv0_output`; `conv0_output_quantize` → `conv0_output`; `data_quantize` → `data`.
    private static func value(ofNode name: String) -> String {
        if name.hasPrefix("requantize_") { return name.dropFirst("requantize_".count) + "_output" }
        return String(name.dropLast("_quantize".count))
    }
}
