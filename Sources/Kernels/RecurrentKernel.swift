import TensorCore

/// One layer of a recurrent network, in one direction or in both, over sequences of T steps for a batch of N.
///
/// With W and R the weights of a gate on the data x and on the state h, b the sum of its two biases, p its peephole:
///
///     rnn   h' = f(W x + R h + b)
///     gru   z, r = f(W x + R h + b)              the update and the reset gate
///           n = g(Wₙ x + bₙ + Rₙ (r ∘ h) + cₙ)    or, linear before the reset, r ∘ (Rₙ h + cₙ)
///           h' = (1 − z) ∘ n + z ∘ h
///     lstm  i, f = f(W x + R h + b + p ∘ c)      or coupled, f = 1 − i
///           n = g(W x + R h + b)
///           c' = f ∘ c + i ∘ n
///           o = f(W x + R h + b + p ∘ c')
///           h' = o ∘ h(c')                       then projected, if there is a projection
///
/// These are ONNX's RNN, GRU and LSTM and the layers of MXNet's RNN (src/operator/rnn_impl.h), all in float32.
/// With G gates of H cells, states of P (H, if there is no projection) and D directions, the operands are
/// source T×N×I, weights D×GH×I, recurrent weights D×GH×P, biases D×2GH (those on the data first), hidden state D×N×P,
/// then, as the options say: cell state D×N×H, peepholes D×3H (input, output, forget), projection D×P×H, lengths of
/// the sequences N. The results are the hidden states T×N×DP, the last ones D×N×P, and for LSTM the last cells D×N×H.
public struct RecurrentKernel: Kernel, Hashable {
    /// Which kind of cell.
    public enum Cell: Hashable, Sendable {
        case rnn
        case gru(linearBeforeReset: Bool)
        case lstm(hasPeepholes: Bool = false, couplesForgetGate: Bool = false)
    }

    /// In the order in which their weights are stored.
    public enum Gate: Hashable, Sendable { case input, output, forget, update, reset, candidate }

    /// In which order the steps are taken.
    public enum Direction: Hashable, Sendable { case forward, backward }

    /// The functions f, g and h of one direction; each is the functions that it lists, one after the other.
    public struct Activations: Hashable, Sendable {
        public var gates: [ActivationFunction]
        public var candidate: [ActivationFunction]
        public var output: [ActivationFunction]

        public init(
            gates: [ActivationFunction] = [ActivationFunction(.sigmoid)],
            candidate: [ActivationFunction] = [ActivationFunction(.tanh)],
            output: [ActivationFunction] = [ActivationFunction(.tanh)]
        ) {
            self.gates = gates
            self.candidate = candidate
            self.output = output
        }
    }

    public static let name = "recurrent layer"
    /// Which kind of cell.
    public var cell: Cell
    public var gates: [Gate]
    /// One for each half of the weights.
    public var directions: [Direction]
    /// One for each direction.
    public var activations: [Activations]
    /// Limits what goes into f and g.
    public var clip: Float?
    /// Whether states are projected to fewer elements.
    public var hasProjection = false
    /// Steps behind the end of a sequence give zeros, and the last states are those at its end.
    public var hasLengths = false
    /// The source is N×T×I, the results are N×T×D×P, N×D×P and N×D×H, and so are the states.
    public var isBatchFirst = false
    /// Without batches first: hidden states are T×D×N×P.
    public var separatesDirections = false

    public init(_ cell: Cell, gates: [Gate], directions: [Direction], activations: [Activations], clip: Float? = nil) {
        self.cell = cell
        self.gates = gates
        self.directions = directions
        self.activations = activations
        self.clip = clip
    }

    /// Whether there is a state beside the output.
    public var hasCellState: Bool { if case .lstm = cell { true } else { false } }

    /// Whether gates see the state of the cell.
    public var hasPeepholes: Bool { if case .lstm(hasPeepholes: true, _) = cell { true } else { false } }

    /// The operands by what they are.
    struct Operands<Operand> {
        let source, weights, recurrentWeights, biases, hidden: Operand
        var cell, peepholes, projection, lengths: Operand?
    }

    /// - Throws: `ModelError` if there are not as many as the options ask for.
    func sorted<Operand>(_ operands: [Operand]) throws -> Operands<Operand> {
        let options = [hasCellState, hasPeepholes, hasProjection, hasLengths]
        guard operands.count == 5 + options.count(where: { $0 }) else {
            throw ModelError("a recurrent layer got \(operands.count) operands")
        }
        var rest = operands[5...]
        let optional = options.map { $0 ? rest.removeFirst() : nil }
        return Operands(
            source: operands[0], weights: operands[1], recurrentWeights: operands[2], biases: operands[3],
            hidden: operands[4], cell: optional[0], peepholes: optional[1], projection: optional[2],
            lengths: optional[3])
    }

    public func resultTypes(_ types: [TensorType]) throws -> [TensorType] {
        let operands = try sorted(types.map(\.shape))
        guard operands.source.rank == 3, operands.weights.rank == 3, operands.recurrentWeights.rank == 3,
            !gates.isEmpty, !directions.isEmpty, activations.count == directions.count
        else { throw ModelError("\(types.map(\.shape)) are not the operands of a recurrent layer") }
        let sizes = RecurrentSizes(self, operands)
        let (d, n) = (directions.count, sizes.batch)
        func state(_ extent: Int) -> Shape { isBatchFirst ? [n, d, extent] : [d, n, extent] }
        func check(_ shape: Shape?, _ expected: Shape, _ what: String) throws {
            guard let shape, shape != expected else { return }
            throw ModelError("the \(what) of the recurrent layer is \(shape), but \(expected) is needed")
        }
        try check(operands.weights, [d, gates.count * sizes.cells, sizes.inputs], "weight")
        try check(operands.recurrentWeights, [d, gates.count * sizes.cells, sizes.states], "recurrent weight")
        try check(operands.biases, [d, 2 * gates.count * sizes.cells], "bias")
        try check(operands.hidden, state(sizes.states), "hidden state")
        try check(operands.cell, state(sizes.cells), "cell state")
        try check(operands.peepholes, [d, 3 * sizes.cells], "peephole")
        try check(operands.projection, [d, sizes.states, sizes.cells], "projection")
        try check(operands.lengths, [n], "list of lengths")
        guard hasProjection || sizes.states == sizes.cells else {
            throw ModelError("\(sizes.states) states do not fit \(sizes.cells) cells without a projection")
        }
        let steps: Shape =
            if isBatchFirst { [n, sizes.steps, d, sizes.states] } else if separatesDirections {
                [sizes.steps, d, n, sizes.states]
            } else { [sizes.steps, n, d * sizes.states] }
        let results = [steps, state(sizes.states)] + (hasCellState ? [state(sizes.cells)] : [])
        return try results.map { TensorType(.float32, try Shape(checking: $0.dimensions)) }
    }
}

/// The extents of a layer.
struct RecurrentSizes {
    let steps, batch, inputs: Int
    /// H and P.
    let cells, states: Int

    init(_ kernel: RecurrentKernel, _ operands: RecurrentKernel.Operands<Shape>) {
        let source = operands.source
        (steps, batch) = kernel.isBatchFirst ? (source[1], source[0]) : (source[0], source[1])
        inputs = source[2]
        cells = operands.weights[1] / kernel.gates.count
        states = operands.recurrentWeights[2]
    }
}
