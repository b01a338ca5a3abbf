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

    @Option(name: .shortAndLong, help: ArgumentHelp("x.onnx, or a checkpoint x.", valueName: "out"))
    var out: String

    @OptionGroup var onnx: ONNXWritingOptions
    @OptionGroup var arithmetic: ArithmeticOptions

    @Flag(help: "Says what every pass did, and why not.")
    var explain = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if onnx.isGiven && !out.hasSuffix(".onnx") {
            throw ValidationError("--opset, --residual, --external-data and --batch are for models that end in .onnx.")
        }
    }

    func run() throws {
        let model = try model.load()
        let result = out.hasSuffix(".onnx")
            ? try model.saveONNX(to: out, onnx.options(mxnetCompat: arithmetic.mxnetCompat)) : try model.saveMXNet(to: out)
        let report = ConversionReport(result)
        if output.json { try JSONOutput.print(report) } else { print(report.text(explain: explain), terminator: "") }
    }
}
