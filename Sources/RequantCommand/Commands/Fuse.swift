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

    @OptionGroup var out: ModelOutputOptions

    @Flag(help: "Lists what was not fused, too, and why.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let (fused, records) = try model.load().fused()
        try fused.save(to: out.path)
        let report = PassReport(records, includingRefused: explain)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }
}
