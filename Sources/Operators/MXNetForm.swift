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
    public var hiddenOutputs: @Sendable (any NodeDescription) -> Int
    /// Inputs that the operator may change, MXNet's auxiliary states: they are stored under `aux:`.
    public var auxiliaryInputs: @Sendable (any NodeDescription) -> [Int]
    /// Inputs that are stored with the model.
    public var parameterInputs: @Sendable (any NodeDescription) -> [Int]
    /// Plain inputs that bring their range along when they are quantized.
    public var rangedInputs: @Sendable (any NodeDescription) -> [Int]
    /// Whether the outputs are triples when the data is quantized.
    public var quantizedOutputIsTriple: @Sendable (any NodeDescription) -> Bool

    /// The attributes as MXNet has them, where the graph's say more; throws what MXNet cannot say.
    public var attributes: @Sendable (NodeReader) throws -> Attributes

    /// Inputs that only the operator's gradient uses: the labels of the output operators.
    public var labelInputs: [Int]

    /// Quantize and its kin: there is no float form.
    public var isAlwaysQuantized: Bool

    /// An operator that only has names.
    public init(names: [String]) {
        self.init()
        self.names = names
    }

    public init(
        _ names: String..., quantized quantizedName: String? = nil,
        hiddenOutputs: @escaping @Sendable (any NodeDescription) -> Int = { _ in 0 },
        auxiliaryInputs: @escaping @Sendable (any NodeDescription) -> [Int] = { _ in [] },
        parameterInputs: @escaping @Sendable (any NodeDescription) -> [Int] = { _ in [] },
        rangedInputs: @escaping @Sendable (any NodeDescription) -> [Int] = { _ in [0] },
        quantizedOutputIsTriple: @escaping @Sendable (any NodeDescription) -> Bool = { _ in true },
        labelInputs: [Int] = [],
        isAlwaysQuantized: Bool = false,
        attributes: @escaping @Sendable (NodeReader) throws -> Attributes = { $0.attributes }
    ) {
        self.names = names
        self.quantizedName = quantizedName
        self.hiddenOutputs = hiddenOutputs
        self.auxiliaryInputs = auxiliaryInputs
        self.parameterInputs = parameterInputs
        self.rangedInputs = rangedInputs
        self.quantizedOutputIsTriple = quantizedOutputIsTriple
        self.labelInputs = labelInputs
        self.isAlwaysQuantized = isAlwaysQuantized
        self.attributes = attributes
    }
}
