import GraphIR

/// How MXNet's symbols spell an operator.
///
/// A quantized tensor is one value in the graph and three in a symbol: codes, minimum, maximum. A quantized operator
/// takes its plain inputs first and then a (minimum, maximum) pair for each of `rangedInputs`, and it gives a triple
/// (src/operator/quantization/quantize_graph_pass.cc).
public struct MXNetForm: Sendable {
    /// The names that mean this operator; the first is written.
    public var names: [String]
    /// The name that means this operator on quantized data, where it is another one.
    public var quantizedName: String?
    /// What the operator computes beside its visible outputs; `node_row_ptr` counts it.
    public var hiddenOutputs: Int
    /// Inputs that the operator may change, MXNet's auxiliary states: they are stored under `aux:`.
    public var auxiliaryInputs: @Sendable (Node) -> [Int]
    /// Plain inputs that bring their range along when they are quantized.
    public var rangedInputs: @Sendable (Node) -> [Int]
    /// Whether the outputs are triples when the data is quantized.
    public var quantizedOutputIsTriple: @Sendable (Node) -> Bool

    public init(
        _ names: String..., quantized quantizedName: String? = nil, hiddenOutputs: Int = 0,
        auxiliaryInputs: @escaping @Sendable (Node) -> [Int] = { _ in [] },
        rangedInputs: @escaping @Sendable (Node) -> [Int] = { _ in [0] },
        quantizedOutputIsTriple: @escaping @Sendable (Node) -> Bool = { _ in true }
    ) {
        self.names = names
        self.quantizedName = quantizedName
        self.hiddenOutputs = hiddenOutputs
        self.auxiliaryInputs = auxiliaryInputs
        self.rangedInputs = rangedInputs
        self.quantizedOutputIsTriple = quantizedOutputIsTriple
    }
}
