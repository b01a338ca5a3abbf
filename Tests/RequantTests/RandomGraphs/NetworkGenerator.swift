import GraphIR
import Requant
import TensorCore

@testable import Operators

/// Makes a network up, step by step: a step is proposed for a value that is there already, and taken if types can be
/// inferred and its numbers stay finite. So whatever the operators accept may stand behind whatever.
struct NetworkGenerator {
    var random: RandomSource
    private(set) var network: RandomNetwork
    /// What a step may use, with its shape.
    private(set) var values: [(operand: RandomNetwork.Operand, shape: Shape)] = []
    private static let elementLimit = 1500

    /// The network of a seed.
    static func network(seed: Int) -> RandomNetwork {
        var generator = NetworkGenerator(seed: seed)
        generator.grow()
        return generator.network
    }

    private init(seed: Int) {
        random = RandomSource(seed: seed)
        let spatial = random.pick([[6, 6], [5, 5], [4, 7], [3, 3], [1, 1], [8], [1], [3, 4, 3], [2, 5, 5]])
        let shape = Shape([random.pick([1, 2, 3]), random.pick([1, 2, 3, 4])] + spatial)
        network = RandomNetwork(data: [])
        for index in 0..<(random.chance(0.2) ? 2 : 1) {
            network.data.append(makeData(shape))
            values.append((.data(index), shape))
        }
    }

    private mutating func grow() {
        let count = Int.random(in: 2...12, using: &random)
        for _ in 0..<6 * count where network.steps.count < count {
            // What came last is used most, so that chains arise; anything else makes branches.
            let (operand, shape) = random.chance(0.6) ? values[values.count - 1] : random.pick(values)
            guard let step = propose(operand, shape) else { continue }
            take(step)
        }
        // A value that others use may be an output, too.
        for value in values.dropFirst(network.data.count) where random.chance(0.12) {
            network.heads.append(value.operand)
        }
    }

    private mutating func take(_ step: RandomNetwork.Step) {
        var candidate = network
        candidate.steps.append(step)
        candidate.heads = step.outputSuffixes.indices.map { .result(step: network.steps.count, output: $0) }
        guard let graph = try? candidate.graph(),
            let outputs = try? ModelRunner(Model(graph: graph), engine: .reference).run(candidate.inputs),
            outputs.allSatisfy({ $0.elementCount > 0 && $0.elementCount <= Self.elementLimit && $0.isTame })
        else { return }
        for (index, _) in step.outputSuffixes.enumerated() where outputs[index].dataType == .float32 {
            values.append((.result(step: network.steps.count, output: index), outputs[index].shape))
        }
        candidate.heads = []
        network = candidate
    }

    /// The number of the step that is being proposed, for its name.
    var number: Int { network.steps.count }

    /// Values of this shape, and the operand itself.
    func values(of shape: Shape) -> [RandomNetwork.Operand] { values.filter { $0.shape == shape }.map(\.operand) }
}

// MARK: Elements

extension NetworkGenerator {
    /// Data as nobody would think of: all of one sign, constant, zero, with one outlier.
    fileprivate mutating func makeData(_ shape: Shape) -> Tensor {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return elements(shape, -2...(-0.1))
        case 1: return elements(shape, 0.7...0.7)
        case 2: return elements(shape, 0...0)
        case 3, 4, 5: return elements(shape, 0...3)
        case 6:
            var values = elements(shape, -1...1).elements(as: Float.self)
            values[0] = 40
            return Tensor(values, shape: shape)
        default: return elements(shape, -1...1)
        }
    }

    mutating func elements(_ shape: Shape, _ range: ClosedRange<Float>) -> Tensor {
        Tensor((0..<shape.elementCount).map { _ in random.float(range) }, shape: shape)
    }

    /// Weights, at times with a channel of zeros, of nothing but zeros, or very different from channel to channel.
    mutating func makeWeights(_ shape: Shape) -> Tensor {
        let columns = shape.elementCount / max(shape[0], 1)
        let magnitude = 1.5 / Float(max(columns, 1)).squareRoot()
        var values = elements(shape, -magnitude...magnitude).elements(as: Float.self)
        switch Int.random(in: 0..<16, using: &random) {
        case 0: return elements(shape, 0...0)
        case 1, 2: for index in 0..<columns { values[index] = 0 }
        case 3: for index in 0..<columns { values[index] *= 30 }
        case 4: for index in values.indices { values[index] *= 1e-3 }
        default: break
        }
        return Tensor(values, shape: shape)
    }
}

extension Tensor {
    /// Finite and not so large that float32 has nothing left behind the point.
    fileprivate var isTame: Bool { floats().allSatisfy { abs($0) < 1e4 } }
}
