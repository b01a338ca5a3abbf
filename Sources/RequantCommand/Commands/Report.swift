import ArgumentParser
import Reporting
import Requant
import TensorCore

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes one page of HTML about models: pictures, errors, ranges, accuracy and times.",
        discussion: """
            The first model counts as right. The page needs no network and no other file; everything in it is there as JSON, \
            too. Without --data it has no errors, ranges and accuracy.
            """,
        examples: [
            Example(
                "What INT8 costs, layer by layer",
                "requant report resnet18 resnet18-int8 --data test.rec --crop 224 -o report.html"),
            Example(
                "Every stage of a quantization",
                "requant report --stages stages --data test.rec --crop 224 -o report.html"),
        ])

    @Argument(help: ArgumentHelp("PREFIX-symbol.json, PREFIX, or FILE.onnx.", valueName: "model"), completion: .model)
    var models: [String] = []

    @Option(help: ArgumentHelp("Reports on the checkpoints in this folder.", valueName: "dir"), completion: .directory)
    var stages: String?

    @OptionGroup var files: ModelFileOptions

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Where the page goes.", valueName: "report.html"), completion: .page)
    var out: String

    @Option(
        help: ArgumentHelp("The block that is drawn side by side; the largest by default.", valueName: "name"),
        completion: .blockNames)
    var block: String?

    @Flag(help: "Measures no times.")
    var noProfile = false

    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var arithmetic: ArithmeticOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try files.check(models)
        if models.isEmpty == (stages == nil) { throw ValidationError("Give models, or a folder with --stages.") }
    }

    func run() throws {
        let loaded = try load()
        var options = ReportOptions()
        options.run = engine.runOptions(data, arithmetic)
        options.timing.threads = engine.threads
        options.timing.arithmetic = options.run.arithmetic
        options.profiles = !noProfile
        options.block = block
        let dataset = data.isGiven ? try data.open(for: loaded[0].model) : nil
        let report = try ModelReport(loaded, on: dataset, options) { step in
            if !output.quiet && Terminal.isWatched { Terminal.printError("\r\u{1B}[K\(step)", terminator: "") }
        }
        if !output.quiet && Terminal.isWatched { Terminal.printError("\r\u{1B}[K", terminator: "") }
        try FileOutput.write(try report.html(), to: out)
        guard !output.json else { return try JSONOutput.print(report.data) }
        try Terminal.print(
            "\(out): \(Wording.count(loaded.count, "model")), \(Wording.count(report.data.layers.count, "layer")), "
                + "\(Wording.count(report.pictures.count, "picture")), \(Wording.count(report.data.ranges.count, "range"))"
        )
        report.data.notes.forEach(Terminal.note)
    }

    private func load() throws -> [(name: String, model: Model)] {
        if let stages {
            return try Model.stageNames(in: stages).map { ($0, try files.load(stages.appendingPath($0))) }
        }
        return try models.map { ($0.fileName, try files.load($0)) }
    }
}
