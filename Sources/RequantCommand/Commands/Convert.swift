import ArgumentParser
import Passes
import Requant

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model in another format.",
        discussion: """
            Quantized models become ONNX in QDQ form: float layers between quantize and dequantize, which runtimes turn \
            into integer kernels. QDQ form becomes quantized layers of MXNet again.

            Example: requant convert resnet18-int8 -o resnet18-int8.onnx --shape data=1,3,224,224 --residual runtime
            """)

    @OptionGroup var model: ModelOptions

    @OptionGroup var out: ModelOutputOptions

    @OptionGroup var onnx: ONNXWritingOptions
    @OptionGroup var arithmetic: ArithmeticOptions

    @Flag(help: "Says what every pass did, and why not.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if onnx.isGiven && !out.isONNX {
            throw ValidationError("--opset, --residual, --external-data and --batch are for models that end in .onnx.")
        }
    }

    func run() throws {
        let model = try model.load()
        let result = out.isONNX
            ? try model.saveONNX(to: out.path, onnx.options(mxnetCompat: arithmetic.mxnetCompat)) : try model.saveMXNet(to: out.path)
        let report = ConversionReport(result)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text(explain: explain), terminator: "") }
    }
}
