import ArgumentParser
import Requant

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model in another format.",
        discussion: "Example: requant convert resnet18-int8 -o resnet18-int8.onnx")

    @OptionGroup var model: ModelOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("x.onnx, or a checkpoint x.", valueName: "out"))
    var out: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        let model = try model.load()
        try model.save(to: out)
        print("\(out): \(Wording.count(model.graph.topologicalOrder().count, "node"))")
    }
}
