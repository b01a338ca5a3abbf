/// What MXNet calls the outputs of an operator's nodes (nnvm's FListOutputNames): `output`, or their number where the
/// operator does not name them. quantize_graph and the tables of its calibration use these names.
public enum MXNetOutputNames {
    /// - Parameters:
    ///   - op: MXNet's name of the operator.
    ///   - count: how many outputs the node has.
    public static func name(of output: Int, _ op: String, count: Int) -> String {
        if !naming.contains(op) { return "\(output)" }
        return count == 1 ? "output" : "output\(output)"
    }

    /// The operators that name their outputs.
    private static let naming: Set = [
        "Activation", "BatchNorm", "Concat", "Convolution", "Deconvolution", "Dropout", "FullyConnected", "LeakyReLU",
        "Pooling", "RNN", "SoftmaxOutput", "softmax", "LayerNorm",
        "_sg_mkldnn_conv", "_sg_mkldnn_fully_connected", "_sg_mkldnn_selfatt_qk", "_sg_mkldnn_selfatt_valatt",
    ]
}
