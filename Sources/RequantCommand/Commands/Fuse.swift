import ArgumentParser
import Passes
import Requant

extension FusionBackend: ExpressibleByArgument {}

struct Fuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fuses layers with what follows them, as MXNet's backend MKLDNN_QUANTIZE does.",
        discussion: """
            On a calibrated quantized model, the ranges are fused with their layers.

            Example: requant fuse resnet18 -o resnet18-fused --explain
            """)

    @OptionGroup var model: ModelOptions

    @OptionGroup var out: ModelOutputOptions

    @Option(
        help: ArgumentHelp(
            "MXNet's name for the rules: what can be quantized, or what is fused for float.", valueName: "name"))
    var backend = FusionBackend.quantize

    @Flag(name: .customLong("mxnet-compat"), help: "Fuses what MXNet 1.9.1 fuses even where the numbers change.")
    var mxnetCompat = false

    @Flag(help: "Lists what was not fused, too, and why.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let (fused, records) = try model.load().fused(
            backend, arithmetic: mxnetCompat ? .mxnet : .exact)
        try fused.save(to: out.path)
        let report = PassReport(records, includingRefused: explain)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }
}
