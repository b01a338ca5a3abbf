import TensorCore

// For each direction: the products of all steps with the weights at once; then, for each sequence, step by step
// the products of the state with the recurrent weights, and the cell. See RecurrentKernel.swift for the formulas.

extension RecurrentKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let types = try resultTypes(operands.map(\.type))
        let operands = try sorted(operands)
        let sizes = RecurrentSizes(self, operands.map(\.shape))
        let lengths = operands.lengths?.asInts().map { min(max($0, 0), sizes.steps) }
        let source = operands.source.floats()
        let place = Placement(self, sizes)
        var hidden = operands.hidden.floats(), cells = operands.cell?.floats() ?? []
        var steps = [Float](repeating: 0, count: types[0].shape.elementCount)
        for (index, direction) in directions.enumerated() {
            var layer = RecurrentCell(self, sizes, operands, direction: index)
            let products = rowProducts(
                source, sizes.steps * sizes.batch, operands.weights.rows(index..<index + 1).floats(),
                gates.count * sizes.cells, depth: sizes.inputs)
            for item in 0..<sizes.batch {
                let length = lengths?[item] ?? sizes.steps
                let states = place.state(index, item) * sizes.states, cell = place.state(index, item) * sizes.cells
                layer.start(
                    hidden[states..<states + sizes.states], hasCellState ? cells[cell..<cell + sizes.cells] : [])
                for count in 0..<length {
                    let step = direction == .forward ? count : length - 1 - count
                    layer.advance(products, row: place.source(step, item))
                    let target = place.result(step, index, item) * sizes.states
                    for state in 0..<sizes.states { steps[target + state] = layer.hidden[state] }
                }
                hidden.replaceSubrange(states..<states + sizes.states, with: layer.hidden)
                if hasCellState { cells.replaceSubrange(cell..<cell + sizes.cells, with: layer.cells) }
            }
        }
        return zip(types, [steps, hidden, cells]).map { Tensor($1, shape: $0.shape) }
    }

    /// Which row of its tensor belongs to a step, a direction and a sequence.
    private struct Placement {
        let kernel: RecurrentKernel
        let sizes: RecurrentSizes
        private let directions: Int

        init(_ kernel: RecurrentKernel, _ sizes: RecurrentSizes) {
            self.kernel = kernel
            self.sizes = sizes
            directions = kernel.directions.count
        }

        func source(_ step: Int, _ item: Int) -> Int {
            kernel.isBatchFirst ? item * sizes.steps + step : step * sizes.batch + item
        }

        func result(_ step: Int, _ direction: Int, _ item: Int) -> Int {
            kernel.separatesDirections && !kernel.isBatchFirst
                ? (step * directions + direction) * sizes.batch + item : source(step, item) * directions + direction
        }

        func state(_ direction: Int, _ item: Int) -> Int {
            kernel.isBatchFirst ? item * directions + direction : direction * sizes.batch + item
        }
    }
}

extension RecurrentKernel.Operands {
    func map<Result>(_ transform: (Operand) -> Result) -> RecurrentKernel.Operands<Result> {
        .init(
            source: transform(source), weights: transform(weights), recurrentWeights: transform(recurrentWeights),
            biases: transform(biases), hidden: transform(hidden), cell: cell.map(transform),
            peepholes: peepholes.map(transform), projection: projection.map(transform), lengths: lengths.map(transform))
    }
}

/// One direction of a layer, and the state of one sequence.
struct RecurrentCell {
    private let kernel: RecurrentKernel
    private let activations: RecurrentKernel.Activations
    private let sizes: RecurrentSizes
    private let recurrentWeights, dataBias, stateBias, peepholes, projection: [Float]
    private(set) var hidden: [Float] = []
    private(set) var cells: [Float] = []
    /// The cells' results before the projection.
    private var outputs: [Float]
    /// The products of the state, and r ∘ h with its products.
    private var recurrent, resetHidden, resetProducts: [Float]

    init(
        _ kernel: RecurrentKernel, _ sizes: RecurrentSizes, _ operands: RecurrentKernel.Operands<Tensor>, direction: Int
    ) {
        func part(_ tensor: Tensor?) -> [Float] { tensor?.rows(direction..<direction + 1).floats() ?? [] }
        self.kernel = kernel
        self.sizes = sizes
        activations = kernel.activations[direction]
        recurrentWeights = part(operands.recurrentWeights)
        let biases = part(operands.biases)
        dataBias = Array(biases.prefix(biases.count / 2))
        stateBias = Array(biases.suffix(biases.count / 2))
        peepholes = part(operands.peepholes)
        projection = part(operands.projection)
        outputs = [Float](repeating: 0, count: sizes.cells)
        recurrent = [Float](repeating: 0, count: kernel.gates.count * sizes.cells)
        resetHidden = outputs
        resetProducts = outputs
    }

    mutating func start(_ hidden: ArraySlice<Float>, _ cells: ArraySlice<Float>) {
        self.hidden = Array(hidden)
        self.cells = Array(cells)
    }

    /// One step.
    /// - Parameter products: those of the data with the weights; `row` says which of their rows is this step's.
    mutating func advance(_ products: [Float], row: Int) {
        let offset = row * kernel.gates.count * sizes.cells
        multiply(recurrentWeights, 0, hidden, into: &recurrent)
        switch kernel.cell {
        case .rnn:
            for cell in 0..<sizes.cells {
                outputs[cell] = apply(
                    activations.gates, sum(products, offset + cell, cell))
            }
        case .gru(let linearBeforeReset): advanceGRU(products, offset, linearBeforeReset)
        case .lstm(let hasPeepholes, let couples): advanceLSTM(products, offset, hasPeepholes, couples)
        }
        if kernel.hasProjection { multiply(projection, 0, outputs, into: &hidden) } else { hidden = outputs }
    }

    private mutating func advanceGRU(_ products: [Float], _ offset: Int, _ linearBeforeReset: Bool) {
        let (r, z, n) = (start(of: .reset), start(of: .update), start(of: .candidate))
        for cell in 0..<sizes.cells {
            // Kept where the products were.
            recurrent[r + cell] = apply(activations.gates, sum(products, offset + r + cell, r + cell))
            recurrent[z + cell] = apply(activations.gates, sum(products, offset + z + cell, z + cell))
        }
        if !linearBeforeReset {
            for cell in 0..<sizes.cells { resetHidden[cell] = recurrent[r + cell] * hidden[cell] }
            multiply(recurrentWeights, n * sizes.states, resetHidden, into: &resetProducts)
        }
        for cell in 0..<sizes.cells {
            let state =
                linearBeforeReset
                ? recurrent[r + cell] * (recurrent[n + cell] + stateBias[n + cell])
                : resetProducts[cell] + stateBias[n + cell]
            let candidate = apply(
                activations.candidate, clipped(products[offset + n + cell] + dataBias[n + cell] + state))
            let update = recurrent[z + cell]
            outputs[cell] = (1 - update) * candidate + update * hidden[cell]
        }
    }

    private mutating func advanceLSTM(_ products: [Float], _ offset: Int, _ hasPeepholes: Bool, _ couples: Bool) {
        let (i, f) = (start(of: .input), start(of: .forget))
        let (n, o) = (start(of: .candidate), start(of: .output))
        func peephole(_ index: Int, _ cell: Int) -> Float { hasPeepholes ? peepholes[index * sizes.cells + cell] : 0 }
        for cell in 0..<sizes.cells {
            let old = cells[cell]
            let input = apply(
                activations.gates, sum(products, offset + i + cell, i + cell, plus: peephole(0, cell) * old))
            let forget =
                couples
                ? 1 - input
                : apply(activations.gates, sum(products, offset + f + cell, f + cell, plus: peephole(2, cell) * old))
            let new =
                forget * old
                + input * apply(activations.candidate, sum(products, offset + n + cell, n + cell))
            let output = apply(
                activations.gates, sum(products, offset + o + cell, o + cell, plus: peephole(1, cell) * new))
            cells[cell] = new
            outputs[cell] = output * apply(activations.output, new)
        }
    }

    /// W x + R h + b, clipped.
    private func sum(_ products: [Float], _ product: Int, _ place: Int, plus peephole: Float = 0) -> Float {
        clipped(products[product] + dataBias[place] + recurrent[place] + stateBias[place] + peephole)
    }

    private func clipped(_ value: Float) -> Float {
        guard let clip = kernel.clip else { return value }
        return min(max(value, -clip), clip)
    }

    private func apply(_ functions: [ActivationFunction], _ value: Float) -> Float {
        functions.reduce(value) { $1($0) }
    }

    /// Where the gate's weights begin, in rows.
    private func start(of gate: RecurrentKernel.Gate) -> Int {
        (kernel.gates.firstIndex(of: gate) ?? 0) * sizes.cells
    }

    /// result = matrix · vector, with the matrix beginning at an offset of `matrix`.
    private func multiply(_ matrix: [Float], _ offset: Int, _ vector: [Float], into result: inout [Float]) {
        let depth = vector.count
        matrix.withUnsafeBufferPointer { matrix in
            vector.withUnsafeBufferPointer { vector in
                for row in result.indices {
                    let start = offset + row * depth
                    result[row] = dotProduct(UnsafeBufferPointer(rebasing: matrix[start..<start + depth]), vector)
                }
            }
        }
    }
}

/// The products of each of the rows of `a` with each of the rows of `b`; rows are `depth` long.
func rowProducts(_ a: [Float], _ rows: Int, _ b: [Float], _ columns: Int, depth: Int) -> [Float] {
    var products = [Float](repeating: 0, count: rows * columns)
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            for row in 0..<rows {
                let left = UnsafeBufferPointer(rebasing: a[row * depth..<(row + 1) * depth])
                for column in 0..<columns {
                    let right = UnsafeBufferPointer(rebasing: b[column * depth..<(column + 1) * depth])
                    products[row * columns + column] = dotProduct(left, right)
                }
            }
        }
    }
    return products
}

/// Σ aᵢ · bᵢ in eight partial sums, which a processor adds at once.
private func dotProduct(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Float {
    let (left, right) = (UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
    var sums = SIMD8<Float>.zero
    let blocks = a.count / 8, blockBytes = MemoryLayout<SIMD8<Float>>.size
    for block in 0..<blocks {
        let offset = block * blockBytes
        sums +=
            left.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            * right.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
    }
    return (blocks * 8..<a.count).reduce(sums.sum()) { $0 + a[$1] * b[$1] }
}
