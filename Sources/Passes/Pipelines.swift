import GraphIR
import Operators
import TensorCore

/// The pipelines, each a list of passes.
public enum Pipelines {
    /// MXNet's `get_backend_symbol('MKLDNN_QUANTIZE')`, before quantization and after calibration.
    public static let fuse = fuse()

    /// - Parameters:
    ///   - backend: MXNet's name for the rules.
    ///   - arithmetic: `mxnet` fuses what MXNet 1.9.1 fuses even where the numbers change.
    public static func fuse(_ backend: FusionBackend = .quantize, arithmetic: Arithmetic = .exact) -> Pipeline {
        let layers: [any Pass] = [
            RemoveIdentities(), FuseConvolution(backend, arithmetic: arithmetic),
            FuseFullyConnected(backend, arithmetic: arithmetic),
        ]
        return Pipeline(
            name: "fuse", summary: "float layers with what follows them; calibrated ranges with their layers",
            passes: layers + [FuseSelfAttention()]
                + (backend == .quantize ? [FuseRequantize(), AlignConcatScales()] : []))
    }

    /// MXNet's quantize_graph.
    public static func quantize(_ options: QuantizationOptions) -> Pipeline {
        Pipeline(
            name: "quantize", summary: "quantize_graph: int8 twins, without ranges", passes: [QuantizeGraph(options)])
    }

    /// Writes ranges, by the names of values, on quantize and requantize.
    public static func calibrate(_ ranges: [String: ValueRange]) -> Pipeline {
        Pipeline(
            name: "calibrate", summary: "writes calibrated ranges",
            passes: [ApplyCalibration(ranges)])
    }

    /// Before ONNX is written.
    public static func toQDQ(residual: ResidualForm, arithmetic: Arithmetic) -> Pipeline {
        Pipeline(
            name: "to-qdq", summary: "quantized layers in QDQ form, fused float layers taken apart: what ONNX holds",
            passes: [UnfuseLayers(), ExpandToQDQ(residual: residual, arithmetic: arithmetic)]
                + (residual == .runtime ? [ShiftSignedActivations(.toUnsigned)] : []))
    }

    /// After ONNX was read: to run it as it is, or to write it for MXNet, which rounds residual sums once.
    public static func fromQDQ(dropsInnerRounding: Bool) -> Pipeline {
        Pipeline(
            name: "from-qdq", summary: "QDQ form back to quantized layers",
            passes: [ShiftSignedActivations(.toSigned), CollapseQDQ(dropsInnerRounding: dropsInnerRounding)])
    }

    /// For models that are in the right form already.
    public static let nothing = Pipeline(name: "nothing", summary: "leaves the graph alone", passes: [])

    /// Before an MXNet checkpoint is written.
    /// - Parameter requantizes: whether grids may become coarser.
    public static func toMXNet(requantizes: Bool) -> Pipeline {
        Pipeline(
            name: "to-mxnet", summary: "the layers, the grids and the parameters that MXNet has",
            passes: [
                ComposeForMXNet(), ExtractPadding(), FitMXNetGrids(requantizes: requantizes), RestoreFloatParameters(),
            ])
    }

    /// All of them, with the choices that MXNet starts with.
    public static let all = [
        fuse, quantize(QuantizationOptions()), calibrate([:]), toQDQ(residual: .exact, arithmetic: .exact),
        fromQDQ(dropsInnerRounding: true), toMXNet(requantizes: false),
    ]
}
