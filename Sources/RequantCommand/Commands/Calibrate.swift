import ArgumentParser
import Passes
import Requant
import TensorCore

struct Calibrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the ranges of a model's values and writes them into a table that people can edit.",
        discussion: """
            `requant quantize --ranges TABLE` and `requant fuse --ranges TABLE` use them. Comments of a table that is there \
            already stay. Tables of several runs are merged into ranges that cover all, \
            histograms of several runs into those of one.
            """,
        examples: [
            Example(
                "Ranges as a table to edit; requant quantize --ranges takes it",
                "requant calibrate resnet18 --data calib.rec --crop 224 -o ranges.txt"),
            Example(
                "Ranges that cover those of both tables",
                "requant calibrate --merge day.txt night.txt -o ranges.txt"),
            Example(
                "Histograms of two days, and the ranges of both together",
                "requant calibrate resnet18 --data day.rec --crop 224 -o day.txt "
                    + "--write-histograms day.npz"),
            Example(
                "… with those of the night",
                "requant calibrate --merge day.npz night.npz --calibrate entropy -o ranges.txt"),
        ])

    @Argument(help: ArgumentHelp("PREFIX-symbol.json, PREFIX, or FILE.onnx.", valueName: "model"), completion: .model)
    var model: String?

    @OptionGroup var files: ModelFileOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the table goes.", valueName: "table"), completion: .file())
    var out: String

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Merges these tables, or these histograms.", valueName: "file"),
        completion: .file())
    var merge: [String] = []

    @OptionGroup var calibration: CalibrationOptions

    @Option(help: "The type of codes that the ranges are for.")
    var dtype: QuantizationOptions.CodeType = .auto

    @Flag(help: "Calibrates the model as it is, not fused.")
    var noFuse = false

    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if merge.isEmpty {
            guard let model else { throw ValidationError("Give a model, or tables with --merge.") }
            try files.check(model)
            try data.requireData()
            if calibration.method == CalibrationMethod.none {
                throw ValidationError("Without calibration there are no ranges: give naive or entropy.")
            }
        } else if model != nil || data.isGiven {
            throw ValidationError("--merge takes tables or histograms only: give no model and no data.")
        } else if calibration.histograms != nil || calibration.layers != nil {
            throw ValidationError(
                "--merge goes on from nothing and filters nothing: leave --histograms and --calibrate-layer out.")
        }
    }

    func run() throws {
        var recipe = QuantizationRecipe()
        recipe.options.codeType = dtype
        recipe.method = calibration.method ?? .entropy
        try calibration.apply(to: &recipe)
        let found = try model.map { try calibrated($0, recipe) } ?? Calibration.merging(merge, recipe.search)
        try FileOutput.together {
            try found.table.rewrite(out)
            try calibration.save(found)
        }
        let report = RangeReport(found, explaining: calibration.explain ? recipe.search : nil)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
        found.warnings.forEach(Terminal.warn)
    }

    private func calibrated(_ path: String, _ recipe: QuantizationRecipe) throws -> Calibration {
        let model = try files.load(path)
        var recipe = recipe
        recipe.fuses = !noFuse
        recipe.batchSize = data.batchSize
        recipe.batches = data.batches
        recipe.engine = engine.engine
        recipe.threads = engine.threads
        let bar = ProgressBar("calibrating", output)
        let result = try model.quantized(recipe, dataset: data.open(for: model)) { bar.update($0, of: $1) }
        bar.finish()
        return result.calibration ?? Calibration(table: RangeTable())
    }
}
