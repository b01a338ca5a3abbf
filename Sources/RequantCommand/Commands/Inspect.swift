import ArgumentParser
import Requant

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a model is and what can be done with it.",
        discussion: "Example: requant inspect resnet18 --shape data=1,3,224,224 --layers")

    @OptionGroup var model: ModelOptions

    @Flag(help: "Lists every node: operator, type, shape and range, and the nodes that it stands for.")
    var layers = false

    @Flag(help: "Lists every parameter: extremes, mean, deviation, dead channels.")
    var weights = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let model = try model.load()
        let details = InspectReport(
            summary: model.summary(), layers: layers ? model.layerRows : nil,
            weights: weights ? model.weightRows : nil)
        if output.json { try JSONOutput.print(details) } else { print(details.text, terminator: "") }
    }
}
