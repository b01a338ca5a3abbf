import GraphIR
import Operators
import TensorCore

/// The pipelines, each a list of passes.
public enum Pipelines {
    /// Every pipeline, with options left as they are by default.
    public static var all: [Pipeline] { [fuse, quantize(QuantizationOptions()), calibrate([:])] }

    /// MXNet's `get_backend_symbol('MKLDNN_QUANTIZE')`, before quantization and after calibration.
    public static let fuse = Pipeline(
        name: "fuse", summary: "float layers with what follows them; calibrated ranges with their layers",
        passes: [FuseConvolution(), FuseFullyConnected(), FuseRequantize()])

    public static func quantize(_ options: QuantizationOptions) -> Pipeline {
        Pipeline(
            name: "quantize", summary: "quantize_graph: int8 twins, without ranges", passes: [QuantizeGraph(options)])
    }

    public static func calibrate(_ ranges: [String: ValueRange]) -> Pipeline {
        Pipeline(
            name: "calibrate", summary: "writes calibrated ranges",
            passes: [ApplyCalibration(ranges)])
    }
}
