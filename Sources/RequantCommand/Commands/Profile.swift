import ArgumentParser
import Requant

struct Profile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures each layer: its time, what computes it, and how much of the machine it uses.",
        discussion: """
            The data is made up. The share of the peak is that of the rate which oneDNN's best single \
            convolution reaches, measured in the same run.
            """,
        examples: [
            Example(
                "Which layers take the time, beside those of the float model",
                "requant profile resnet18-int8 --shape data=1,3,224,224 --versus resnet18")
        ])

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("Compares layer by layer with this model.", valueName: "model"), completion: .model)
    var versus: String?

    @Option(help: ArgumentHelp("Runs that are measured; the median counts.", valueName: "n"))
    var repeats = 15

    @OptionGroup var timing: TimingArguments
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if repeats < 1 { throw ValidationError("--repeats has to be above 0.") }
    }

    func run() throws {
        let options = timing.options(rounds: repeats)
        let profile = try model.load().profile(options)
        let other = try versus.map { try model.files.load($0).profile(options) }
        let report = ProfileReport(profile, versus: other)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }
}
