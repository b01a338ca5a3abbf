import ArgumentParser
import Passes
import Requant

struct Fuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fuses layers with what follows them, as MXNet's backend MKLDNN_QUANTIZE does.",
        discussion: """
            On a calibrated quantized model, the ranges are fused with their layers.

            Example: requant fuse resnet18 -o resnet18-fused --explain
            """)

    @OptionGroup var model: ModelOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the model goes.", valueName: "out"))
    var out: String

    @Flag(help: "Lists what was not fused, too, and why.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let (fused, records) = try model.load().fused()
        try fused.save(to: out)
        let report = PassReport(records, includingRefused: explain)
        if output.json { try JSONOutput.print(report) } else { print(report.text, terminator: "") }
    }
}
