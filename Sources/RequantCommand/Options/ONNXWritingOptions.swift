import ArgumentParser
import Passes
import Requant

/// How ONNX is written.
struct ONNXWritingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The version of ONNX's operators, 13 to 24; 13 for quantized models, 17 for float ones.", valueName: "n"))
    var opset: Int?

    @Option(
        help: """
            How a residual sum is rounded: once, as oneDNN does it (exact), or also before the addition, so that ONNX \
            Runtime has integer kernels for all of it (runtime). (default: exact)
            """)
    var residual: ResidualForm?

    @Option(
        help: """
            How quantized layers are spelt: float operators between quantize and dequantize (qdq), or QLinearConv and \
            QLinearMatMul where ONNX has them (qoperator). (default: qdq)
            """)
    var form: QuantizedForm?

    @Flag(help: "Lets --form qoperator use operators of com.microsoft: QGemm, QLinearAdd, QLinearConcat …")
    var microsoftOperators = false

    @Flag(help: "Puts the weights into a file beside the model; by itself past 2 GB.")
    var externalData = false

    @Option(help: ArgumentHelp("The extent of the first axis, or dynamic.", valueName: "n|dynamic"))
    var batch: BatchArgument?

    func validate() throws {
        if microsoftOperators && form != .qoperator {
            throw ValidationError("--microsoft-operators goes with --form qoperator.")
        }
    }

    var isGiven: Bool { opset != nil || residual != nil || form != nil || externalData || batch != nil }

    func options(mxnetCompat: Bool) -> ONNXOptions {
        var options = ONNXOptions()
        options.opset = opset
        options.residual = residual ?? .exact
        options.form = form ?? .qdq
        options.usesMicrosoftOperators = microsoftOperators
        options.hasExternalData = externalData
        options.batch = batch?.batch ?? .asGiven
        options.arithmetic = mxnetCompat ? .mxnet : .exact
        return options
    }
}

extension ResidualForm: ExpressibleByArgument {}
extension QuantizedForm: ExpressibleByArgument {}

/// `8`, or `dynamic`.
struct BatchArgument: ExpressibleByArgument {
    let batch: ONNXOptions.Batch

    init?(argument: String) {
        if argument == "dynamic" {
            batch = .dynamic
        } else if let count = Int(argument), count > 0 {
            batch = .fixed(count)
        } else {
            return nil
        }
    }
}
