import ArgumentParser
import Passes
import Requant

/// The choices of MXNet's quantize_graph.
struct QuantizationArguments: ParsableArguments {
    @Option(help: "The type of codes; auto takes uint8 where no value is negative.")
    var dtype: QuantizationOptions.CodeType = .auto

    @Option(help: "Every node that can be, or only layers with weights and what lies between them.")
    var mode: QuantizationOptions.Mode = .full

    @Option(help: "One scale for all weights of a fully connected layer, or one a channel.")
    var granularity: QuantizationOptions.Granularity = .tensorWise

    @Option(
        name: .customLong("exclude"),
        help: ArgumentHelp("Leaves a node in float; by its name, fused or not. Repeatable.", valueName: "name"),
        completion: .nodeNames)
    var excludedNames: [String] = []

    @Option(
        help: ArgumentHelp(
            "Leaves the nodes that this file names in float; one a line, # begins a comment.", valueName: "file"), completion: .file())
    var excludeList: String?

    @Option(
        name: .customLong("exclude-op"),
        help: ArgumentHelp("Leaves all nodes of an operator in float. Repeatable.", valueName: "op"),
        completion: .operatorNames)
    var excludedOperators: [String] = []

    @Flag(help: "Does not fuse before quantizing.")
    var noFuse = false

    @Flag(help: "Does not fuse ranges into layers afterwards.")
    var noPostFuse = false

    /// - Throws: `ModelError` for a list that cannot be read.
    func options() throws -> QuantizationOptions {
        QuantizationOptions(
            codeType: dtype, mode: mode, granularity: granularity,
            excludedNames: excludedNames + (try excludeList.map { try ExclusionList.read($0) } ?? []),
            excludedOperators: excludedOperators)
    }
}

extension QuantizationOptions.CodeType: ExpressibleByArgument {}
extension QuantizationOptions.Mode: ExpressibleByArgument {}
extension QuantizationOptions.Granularity: ExpressibleByArgument {}
