import ArgumentParser
import Datasets
import Passes
import Requant
import TensorCore

extension TuningSensitivity: ExpressibleByArgument {}

struct Tune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the fewest layers to leave in float so that the int8 model is good enough.",
        discussion: """
            Calibrates once; then tries every method of calibration, how sensitive each layer is, other methods for the \
            most sensitive ones, and at last which of them have to stay in float. Beside the model it writes \
            OUT-exclude.txt and OUT-ranges.txt, with which `requant quantize` makes the same model. Exits with 3 if the \
            goal cannot be met. With --resume it may be interrupted at any time and goes on where it was.
            """,
        examples: [
            Example(
                "At most half a percent of the images wrong that were right",
                "requant tune resnet18 --data test.rec --crop 224 --max-drop 0.005 -o resnet18-int8"),
            Example(
                "Without labels; may be interrupted, and goes on where it was",
                "requant tune resnet18 --data test.rec --crop 224 --min-sqnr 30 --batches 8 "
                    + "--resume tune.json -o tuned"),
        ])

    @OptionGroup var model: ModelOptions
    @OptionGroup var out: ModelOutputOptions
    @OptionGroup var goal: TuningGoalOptions

    @Option(
        help: ArgumentHelp(
            "Finds ranges on these data instead of --data; same kinds, same preprocessing. Repeatable.",
            valueName: "data"), completion: .file())
    var calibration: [DataArgument] = []

    @Option(
        help: """
            How sensitivity is measured: each layer alone in float or alone in int8. (default: what runs faster)
            """)
    var sensitivity: TuningSensitivity?

    @Option(help: ArgumentHelp("Keeps every result in this file, and goes on from it.", valueName: "file"), completion: .file())
    var resume: String?

    @OptionGroup var quantization: QuantizationArguments
    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var arithmetic: ArithmeticOptions
    @OptionGroup var output: OutputOptions

    func validate() throws { try data.requireData() }

    func run() throws {
        let float = try model.load()
        let result = try tuned(float)
        let exclusions = out.sibling("exclude.txt"), ranges = out.sibling("ranges.txt")
        try FileOutput.together {
            try result.model.save(to: out.path)
            try FileOutput.write(result.exclusionText(of: model.path), to: exclusions)
            try result.table.rewrite(ranges)
        }
        let report = TuneReport(result, model: model.path, files: [out.path, exclusions, ranges])
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
        guard result.isMet else {
            Terminal.printError(
                "limit: the goal is not met, even with \(Wording.count(result.excluded.count, "layer")) in float")
            throw ExitCode.limitExceeded
        }
    }

    private func tuned(_ float: Model) throws -> TuningResult {
        let bars = [
            ProgressBar("reading", output), ProgressBar("calibrating", output),
            ProgressBar("tuning", output, unit: "trials"),
        ]
        defer { bars.forEach { $0.finish() } }
        return try float.tuned(
            try options(), on: data.open(for: float),
            calibration: calibration.isEmpty ? nil : data.open(calibration, for: float)
        ) { step, done, total in
            switch step {
            case .reading: bars[0].update(done, of: total)
            case .calibrating: bars[1].update(done, of: total)
            case .trying: bars[2].update(done, of: total)
            }
        }
    }

    private func options() throws -> TuningOptions {
        var options = TuningOptions()
        options.goal = goal.goal
        options.recipe.options = try quantization.options()
        options.recipe.fuses = !quantization.noFuse
        options.recipe.postFuses = !quantization.noPostFuse
        options.run = engine.runOptions(data, arithmetic)
        options.sensitivity = sensitivity
        options.journal = resume
        return options
    }
}

extension ModelOutputOptions {
    /// `x-ranges.txt` for `x.onnx` and for `x`.
    fileprivate func sibling(_ ending: String) -> String {
        let stem = [".onnx", "-symbol.json"].first(where: path.hasSuffix).map { path.dropLast($0.count) } ?? path[...]
        return "\(stem)-\(ending)"
    }
}
