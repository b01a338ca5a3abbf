import ArgumentParser
import Requant

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures how fast models are, side by side.",
        discussion: """
            All models run in every round, one after the other, so that a machine that slows down slows all of \
            them down; the median of the rounds counts. The data is made up. Ratios are to the first model.
            """,
        examples: [
            Example(
                "Two models in turn",
                "requant bench resnet18 resnet18-int8 --shape data=1,3,224,224 --threads 2")
        ])

    @Argument(
        help: ArgumentHelp("PREFIX-symbol.json, PREFIX, or FILE.onnx; several.", valueName: "model"), completion: .model
    )
    var models: [String]

    @OptionGroup var files: ModelFileOptions

    @Option(name: .customLong("repeat"), help: ArgumentHelp("Rounds.", valueName: "n"))
    var rounds = 5

    @Option(help: ArgumentHelp("How long each model runs in a round, in seconds.", valueName: "s"))
    var seconds = 1.0

    @OptionGroup var timing: TimingArguments
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try files.check(models)
        guard rounds > 0, seconds >= 0, seconds < 3600 else {
            throw ValidationError("--repeat has to be above 0, and --seconds at least 0.")
        }
    }

    func run() throws {
        let benchmark = Benchmark(timing.options(rounds: rounds), roundTime: .seconds(seconds))
        let bar = ProgressBar("measuring", output, unit: "rounds")
        let results = try benchmark.run(models.map { path in (path, { try files.load(path) }) }) {
            bar.update($0, of: $1)
        }
        bar.finish()
        let report = BenchReport(results)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }
}
