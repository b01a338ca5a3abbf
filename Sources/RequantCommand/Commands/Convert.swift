import ArgumentParser
import Passes
import Requant

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model in another format.",
        discussion: """
            Quantized models become ONNX in QDQ form: float layers between quantize and dequantize, which \
            runtimes turn into integer kernels. QDQ form becomes quantized layers of MXNet again.
            """,
        examples: [
            Example(
                "To ONNX, with integer kernels for all of it in ONNX Runtime",
                "requant convert resnet18-int8 -o resnet18-int8.onnx --shape data=1,3,224,224 "
                    + "--residual runtime"),
            Example(
                "Batches of any size",
                "requant convert resnet18 -o resnet18.onnx --shape data=1,3,224,224 --batch dynamic"),
            Example(
                "From ONNX to a checkpoint of MXNet",
                "requant convert resnet18-int8.onnx -o resnet18-int8"),
        ])

    @OptionGroup var model: ModelOptions

    @OptionGroup var out: ModelOutputOptions

    @OptionGroup var onnx: ONNXWritingOptions

    @Flag(
        help: """
            Takes symmetric grids for those with a zero point, which MXNet cannot hold, and says what is lost. Without it \
            such a model is refused.
            """)
    var requantize = false

    @OptionGroup var arithmetic: ArithmeticOptions

    @Flag(help: "Says what every pass did, and why not.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if requantize && out.isONNX {
            throw ValidationError("--requantize is for checkpoints of MXNet; ONNX has zero points.")
        }
        if onnx.isGiven && !out.isONNX {
            throw ValidationError(
                "--opset, --residual, --form, --external-data and --batch are for models that end in .onnx.")
        }
    }

    func run() throws {
        let model = try model.load()
        let result =
            out.isONNX
            ? try model.saveONNX(to: out.path, onnx.options(mxnetCompat: arithmetic.mxnetCompat))
            : try model.saveMXNet(to: out.path, requantizes: requantize)
        let report = ConversionReport(result)
        if output.json {
            try JSONOutput.print(report)
        } else {
            try Terminal.print(report.text(explain: explain), terminator: "")
        }
    }
}
