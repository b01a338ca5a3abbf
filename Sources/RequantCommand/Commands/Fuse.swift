import ArgumentParser
import Passes
import Requant

extension FusionBackend: ExpressibleByArgument {}

struct Fuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fuses layers with what follows them, as MXNet's backend MKLDNN_QUANTIZE does.",
        discussion: """
            On a calibrated quantized model, the ranges are fused with their layers; --ranges gives them to one that is not \
            calibrated.
            """,
        examples: [
            Example(
                "What MXNet's get_backend_symbol('MKLDNN_QUANTIZE') does, and why not more",
                "requant fuse resnet18 -o resnet18-fused --explain"),
            Example(
                "The last stage of a calibrated model",
                "requant fuse resnet18-calibrated -o resnet18-int8"),
            Example(
                "Ranges from a table, and fused with their layers",
                "requant fuse stages/03-quantized -o resnet18-int8 --ranges ranges.txt"),
        ])

    @OptionGroup var model: ModelOptions

    @OptionGroup var out: ModelOutputOptions

    @Option(
        help: ArgumentHelp(
            "MXNet's name for the rules: what can be quantized, or what is fused for float.", valueName: "name"))
    var backend = FusionBackend.quantize

    @Option(help: ArgumentHelp("Gives a quantized model the ranges of this table first.", valueName: "table"))
    var ranges: String?

    @Flag(name: .customLong("mxnet-compat"), help: "Fuses what MXNet 1.9.1 fuses even where the numbers change.")
    var mxnetCompat = false

    @Flag(help: "Lists what was not fused, too, and why.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        var model = try model.load()
        var records: [PassRecord] = []
        if let ranges {
            let calibrated = try model.withRanges(RangeTable(reading: ranges))
            model = calibrated.model
            // Ranges that were given are no news.
            records = calibrated.records.filter { $0.outcome == .refused }
        }
        let fused = try model.fused(backend, arithmetic: mxnetCompat ? .mxnet : .exact)
        try fused.model.save(to: out.path)
        let report = PassReport(records + fused.records, includingRefused: explain)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }
}
