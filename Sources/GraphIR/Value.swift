import TensorCore

/// Names a value of one graph.
public struct ValueID: Hashable, Sendable, Comparable {
    public let index: Int
    public init(index: Int) { self.index = index }
    public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// A tensor that flows through a graph: an input, a parameter, or what a node computes.
public struct Value: Sendable {
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
        public let node: NodeID
        public let index: Int
    }

    public let id: ValueID
    /// Unique among the values of a graph.
    public var name: String
    public internal(set) var source: Source
    public internal(set) var uses: [Use] = []
    /// What inference found, or what the file says; nil if nothing is known yet.
    public var type: ValueType?
    /// What a file says of a variable beside its value: `__shape__`, `__init__` …
    public var attributes: Attributes = [:]

    public var tensor: Tensor? {
        if case .parameter(let tensor) = source { tensor } else { nil }
    }

    // Inlined into the traversal, this one crashes the optimizer of Swift 6.3.1 (CopyPropagation).
    @inline(never)
    public var producer: NodeID? {
        if case .result(let node, _) = source { node } else { nil }
    }

    public var outputIndex: Int {
        if case .result(_, let index) = source { index } else { 0 }
    }
}

/// The type of a value: element type, shape, and for codes the grid that they lie on.
public struct ValueType: Hashable, Sendable, CustomStringConvertible {
    public var dataType: DataType
    /// Nil until the shapes of the inputs are known.
    public var shape: Shape?
    public var quantization: Quantization?

    public init(_ dataType: DataType, _ shape: Shape?, quantization: Quantization? = nil) {
        self.dataType = dataType
        self.shape = shape
        self.quantization = quantization
    }

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

    public var grid: QuantizationGrid? {
        if case .known(let grid) = self { grid } else { nil }
    }

    public var description: String {
        guard let grid else { return "[?]" }
        if let range = grid.range { return "[\(range.min), \(range.max)]" }
        let zero = grid.zeroPoint == 0 ? "" : " zero \(grid.zeroPoint)"
        return grid.steps.count == 1 ? "step \(grid.steps[0])\(zero)" : "\(grid.steps.count) steps\(zero)"
    }
}
