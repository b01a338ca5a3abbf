import ArgumentParser
import Passes
import Requant
import TensorCore

struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fuses, quantizes, calibrates and fuses again: MXNet's whole flow to int8.",
        examples: [
            Example(
                "The whole flow, with every stage kept",
                "requant quantize resnet18 -o resnet18-int8 --calibrate naive --data calib.rec "
                    + "--crop 224 --mean 123.68,116.78,103.94 --stages stages"),
            Example(
                "Without data: each run finds the ranges",
                "requant quantize resnet18 -o resnet18-int8 --exclude conv0"),
            Example(
                "With ranges that were edited",
                "requant quantize resnet18 -o resnet18-int8 --ranges ranges.txt"),
        ])

    @OptionGroup var model: ModelOptions

    @OptionGroup var out: ModelOutputOptions

    @OptionGroup var quantization: QuantizationArguments
    @OptionGroup var calibration: CalibrationOptions

    @Option(
        help: ArgumentHelp("Uses the ranges of this table instead of calibrating.", valueName: "table"),
        completion: .file())
    var ranges: String?

    @Option(help: ArgumentHelp("Writes the ranges into a table.", valueName: "table"), completion: .file())
    var writeRanges: String?

    @Option(
        help: ArgumentHelp("Writes every stage into this folder: 01-fp32 … 05-postfused.", valueName: "dir"),
        completion: .directory)
    var stages: String?

    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let method = calibration.method, method != .none, !data.isGiven, ranges == nil {
            throw ValidationError("--calibrate \(method) needs data: give it with --data.")
        }
        if ranges != nil, calibration.method != nil || calibration.layers != nil {
            throw ValidationError("Give --ranges, or calibrate, not both.")
        }
        if calibration.writeHistograms != nil, !data.isGiven {
            throw ValidationError("--write-histograms needs data to calibrate with: give it with --data.")
        }
    }

    func run() throws {
        let float = try model.load()
        let bar = ProgressBar("calibrating", output)
        let result = try float.quantized(try recipe(), dataset: data.isGiven ? data.open(for: float) : nil) {
            bar.update($0, of: $1)
        }
        bar.finish()
        try FileOutput.together {
            if let writeRanges, let table = result.table { try table.rewrite(writeRanges) }
            if let found = result.calibration { try calibration.save(found) }
            if let stages { try result.saveStages(to: stages) }
            try result.model.save(to: out.path)
        }
        let report = QuantizationReport(
            result, path: out.path, explaining: calibration.explain ? try recipe().search : nil)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
        result.warnings.forEach(Terminal.warn)
        if calibration.mxnetCompat {
            Terminal.note(
                "MXNet 1.9.1 rounds and saturates otherwise; see it with: "
                    + "requant diff \(model.path) \(out.path) --mxnet-compat --data …")
        }
    }

    private func recipe() throws -> QuantizationRecipe {
        var recipe = QuantizationRecipe()
        recipe.options = try quantization.options()
        recipe.fuses = !quantization.noFuse
        recipe.fusion = calibration.mxnetCompat ? .mxnet : .exact
        recipe.postFuses = !quantization.noPostFuse
        recipe.method = calibration.method ?? (data.isGiven ? .entropy : .none)
        try calibration.apply(to: &recipe)
        recipe.ranges = try ranges.map { try RangeTable(reading: $0) }
        recipe.batchSize = data.batchSize
        recipe.batches = data.batches
        recipe.engine = engine.engine
        recipe.threads = engine.threads
        return recipe
    }
}
