import ArgumentParser
import Requant
import TensorCore

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a model and keeps its outputs.",
        discussion: """
            The outputs are arrays of an .npz file, by name. If the data has labels, the share of samples that \
            are classified correctly is printed.
            """,
        examples: [
            Example(
                "The share of images that are classified correctly",
                "requant run resnet18-int8 --data test.rec --crop 224"),
            Example(
                "Every node's values, for NumPy",
                "requant run resnet18-int8 --data batch.npy --all -o values.npz"),
            Example(
                "What MXNet 1.9.1 computes, its mistakes included",
                "requant run resnet18-int8 --data test.rec --crop 224 --mxnet-compat"),
        ])

    @OptionGroup var model: ModelOptions

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Where the outputs go.", valueName: "out.npz"), completion: .archive)
    var out: String?

    @Flag(help: "Keeps what every node computes; int8 codes as codes.")
    var all = false

    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var arithmetic: ArithmeticOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let out, !out.hasSuffix(".npz") { throw ValidationError("The outputs go into an .npz file, not '\(out)'.") }
        if all && out == nil { throw ValidationError("--all needs a file to keep the values in: give it with -o.") }
    }

    func run() throws {
        let model = try model.load()
        if !model.inputNames.isEmpty { try data.requireData() }
        engine.warnOfSaturation(in: model)
        let bar = ProgressBar("running", output)
        let result = try model.run(on: data.open(for: model), engine.runOptions(data, arithmetic), observesAll: all) {
            bar.update($0, of: $1)
        }
        bar.finish()
        if let out { try NumPyArchive.write(result.values, to: out) }
        let report = RunReport(result)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }
}
