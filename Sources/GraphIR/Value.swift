import TensorCore

/// Names a value of one graph.
public struct ValueID: Hashable, Sendable, Comparable {
    /// Counts from 0 in the order in which values were added; never given out twice.
    public let index: Int
    /// For graphs; whoever else makes one up names a value that is not there.
    public init(index: Int) { self.index = index }
    /// In the order in which values were added.
    public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// A tensor that flows through a graph: an input, a parameter, or what a node computes.
public struct Value: Sendable {
    /// Where a value comes from.
    public enum Source: Sendable {
        /// Given when the model runs.
        case input
        /// Stored with the model. MXNet's auxiliary states are parameters too: the operator that uses one tells.
        case parameter(Tensor)
        /// Output `index` of a node.
        case result(node: NodeID, index: Int)
    }

    /// One place where the value is used: input `index` of a node.
    public struct Use: Hashable, Sendable {
        /// The node that uses the value.
        public let node: NodeID
        /// The position among the inputs of the node.
        public let index: Int
    }

    /// Where the value is in its graph.
    public let id: ValueID
    /// Unique among the values of a graph.
    public var name: String
    /// Where it comes from.
    public internal(set) var source: Source
    /// The inputs of nodes that it goes into.
    public internal(set) var uses: [Use] = []
    /// What inference found, or what the file says; nil if nothing is known yet.
    public var type: ValueType?
    /// What a file says of a variable beside its value: `__shape__`, `__init__` …
    public var attributes: Attributes = [:]

    /// The elements, of a parameter.
    public var tensor: Tensor? {
        if case .parameter(let tensor) = source { tensor } else { nil }
    }

    // Inlined into the traversal, this one crashes the optimizer of Swift 6.3.1 (CopyPropagation).
    /// The node that computes it, if one does.
    @inline(never)
    public var producer: NodeID? {
        if case .result(let node, _) = source { node } else { nil }
    }

    /// The position among the outputs of its producer; 0 for inputs and parameters.
    public var outputIndex: Int {
        if case .result(_, let index) = source { index } else { 0 }
    }
}

/// The type of a value: element type, shape, and for codes the grid that they lie on.
public struct ValueType: Hashable, Sendable, CustomStringConvertible {
    /// The type of the elements as they are stored.
    public var dataType: DataType
    /// Nil until the shapes of the inputs are known.
    public var shape: Shape?
    /// What codes stand for; nil for values that stand for themselves.
    public var quantization: Quantization?

    /// A type; its shape may be unknown.
    public init(_ dataType: DataType, _ shape: Shape?, quantization: Quantization? = nil) {
        self.dataType = dataType
        self.shape = shape
        self.quantization = quantization
    }

    /// Whether the elements are codes.
    public var isQuantized: Bool { quantization != nil }

    /// `float32 1×8×28×28`, `uint8 1×8×28×28 [0, 4.658554]`
    public var description: String {
        let shape = shape.map { " \($0)" } ?? ""
        let grid = quantization.map { " \($0)" } ?? ""
        return "\(dataType)\(shape)\(grid)"
    }
}

/// How the codes of a quantized value are to be read.
public enum Quantization: Hashable, Sendable, CustomStringConvertible {
    case known(QuantizationGrid)
    /// Not calibrated: each run finds the range of the tensor at hand. So are the units of int32 accumulators.
    case foundAtRunTime

    /// Where codes lie on the real line; nil if they are none, or if the run finds their range.
    public var grid: QuantizationGrid? {
        if case .known(let grid) = self { grid } else { nil }
    }

    /// `uint8 1×16×14×14 [0, 9.5]`
    public var description: String {
        guard let grid else { return "[?]" }
        if let range = grid.range { return "[\(range.min), \(range.max)]" }
        let zero = grid.zeroPoint == 0 ? "" : " zero \(grid.zeroPoint)"
        return grid.steps.count == 1 ? "step \(grid.steps[0])\(zero)" : "\(grid.steps.count) steps\(zero)"
    }
}
