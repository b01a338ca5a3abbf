/// What MXNet calls the outputs of an operator's nodes (nnvm's FListOutputNames): `output`, or their number where the
/// operator does not name them. quantize_graph and the tables of its calibration use these names.
public enum MXNetOutputNames {
    /// - Parameters:
    ///   - output: its position among the outputs.
    ///   - op: MXNet's name of the operator.
    ///   - count: how many outputs the node has.
    public static func name(of output: Int, _ op: String, count: Int) -> String {
        if let names = ownNames[op], names.indices.contains(output) { return names[output] }
        if !naming.contains(op) { return "\(output)" }
        return count == 1 ? "output" : "output\(output)"
    }

    private static let ownNames = [
        "_contrib_MultiBoxTarget": ["loc_target", "loc_mask", "cls_target"], "_npi_matmul": ["out"],
        "make_loss": ["loss"],
    ]

    /// The operators that name their outputs, as MXNet 1.9.1's quantize_graph was seen to do it.
    private static let naming: Set = [
        "Activation", "BatchNorm", "BilinearSampler", "Concat", "Convolution", "Crop", "Deconvolution", "Dropout",
        "FullyConnected", "GridGenerator", "GroupNorm", "IdentityAttachKLSparseReg", "InstanceNorm",
        "L2Normalization", "LRN", "LayerNorm", "LeakyReLU", "MakeLoss", "Pad", "Pooling", "Pooling_v1", "RNN",
        "ROIPooling", "SVMOutput", "SequenceLast", "SequenceMask", "SequenceReverse", "SliceChannel",
        "SoftmaxActivation", "SoftmaxOutput", "SpatialTransformer", "SwapAxis", "UpSampling",
        "_contrib_DeformableConvolution", "_contrib_ModulatedDeformableConvolution", "_contrib_MultiBoxDetection",
        "_contrib_MultiBoxPrior", "_contrib_MultiProposal", "_contrib_PSROIPooling", "_contrib_Proposal",
        "_contrib_ROIAlign", "_contrib_interleaved_matmul_encdec_qk", "_contrib_interleaved_matmul_encdec_valatt",
        "_contrib_interleaved_matmul_selfatt_qk", "_contrib_interleaved_matmul_selfatt_valatt", "_rnn_param_concat",
        "_sg_mkldnn_conv", "_sg_mkldnn_fully_connected", "_sg_mkldnn_selfatt_qk", "_sg_mkldnn_selfatt_valatt",
        "elemwise_add", "im2col", "softmax", "softmin",
    ]
}
