import ArgumentParser
import Passes
import Requant

/// How ONNX is written.
struct ONNXWritingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The version of ONNX's operators, 13 to 24; 13 for quantized models, 17 for float ones.", valueName: "n"))
    var opset: Int?

    @Option(
        help: """
            How a residual sum is rounded: once, as oneDNN does it (exact), or also before the addition, so that ONNX \
            Runtime has integer kernels for all of it (runtime). (default: exact)
            """)
    var residual: ResidualForm?

    @Flag(help: "Puts the weights into a file beside the model; by itself past 2 GB.")
    var externalData = false

    @Option(help: ArgumentHelp("The extent of the first axis, or dynamic.", valueName: "n|dynamic"))
    var batch: BatchArgument?

    var isGiven: Bool { opset != nil || residual != nil || externalData || batch != nil }

    func options(mxnetCompat: Bool) -> ONNXOptions {
        var options = ONNXOptions()
        options.opset = opset
        options.residual = residual ?? .exact
        options.hasExternalData = externalData
        options.batch = batch?.batch ?? .asGiven
        options.arithmetic = mxnetCompat ? .mxnet : .exact
        return options
    }
}

extension ResidualForm: ExpressibleByArgument {}

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
