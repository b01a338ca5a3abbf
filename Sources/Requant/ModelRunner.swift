import Datasets
import GraphIR
import Kernels
import OneDNNBackend
import Operators
import TensorCore

/// What computes a model.
public enum EngineChoice: String, Sendable, CaseIterable {
    /// oneDNN's primitives.
    case onednn
    /// The kernels' own plain loops: slow, and the oracle of the tests.
    case reference
}

/// Runs a model on batches. A program is compiled for every shape of batch that comes, once.
public final class ModelRunner {
    /// What is run.
    public let model: Model
    private let engine: EngineChoice
    private let arithmetic: Arithmetic
    private let threads: Int?
    private let repeatsMXNetSums: Bool
    private var compiled: [Compilation: Compiled] = [:]
    /// The ranges that the run at hand found for its codes, by the buffers that hold them.
    private var foundRanges: [BufferID: Tensor] = [:]

    /// What a program is compiled for.
    private struct Compilation: Hashable {
        var shapes: [Shape]
        /// Whether inner values are looked at, so that all of them have to be computed.
        var isObserved: Bool
    }

    private struct Compiled {
        let program: KernelProgram
        let codes: [String: LoweredValue.Codes]
        let executor: any Executor
        let buffers: [String: BufferID]
    }

    /// A runner; nothing is compiled before the first batch.
    /// - Parameters:
    ///   - model: what is run.
    ///   - engine: what computes.
    ///   - arithmetic: which int8 arithmetic computes.
    ///   - threads: that oneDNN may use; nil for all.
    ///   - repeatsMXNetSums: adds in the order in which MXNet adds, so that float sums agree with it to the last bit.
    public init(
        _ model: Model, engine: EngineChoice = .onednn, arithmetic: Arithmetic = .exact, threads: Int? = nil,
        repeatsMXNetSums: Bool = false
    ) {
        self.repeatsMXNetSums = repeatsMXNetSums
        self.model = model
        self.engine = engine
        self.arithmetic = arithmetic
        self.threads = threads
    }

    /// The names of the inputs, in order.
    public var inputs: [String] {
        let labels = OperatorTable.standard.labels(of: model.graph)
        return model.graph.inputs.filter { !labels.contains($0) }.map { model.graph[$0].name }
    }
    /// The names of the outputs, in order.
    public var outputs: [String] { model.graph.outputs.map { model.graph[$0].name } }

    /// The outputs for the inputs of one batch.
    ///
    /// - Parameters:
    ///   - inputs: by name; converted to the type that the model wants.
    ///   - observed: names of values to look at on the way.
    ///   - observe: gets each of them when it has been computed, as it is stored: codes are codes.
    /// - Throws: `ModelError` for missing inputs, shapes that do not fit, and operators that cannot be run.
    public func run(
        _ inputs: [String: Tensor], observing observed: Set<String> = [],
        _ observe: (_ name: String, _ tensor: Tensor) throws -> Void = { _, _ in }
    ) throws -> [Tensor] {
        let tensors = try self.inputs.map { name in
            guard let tensor = inputs[name] else {
                throw ModelError(
                    "no data is given for it", at: "input '\(name)'", advice: "give it with --data \(name)=FILE.npy")
            }
            let type = model.graph.value(named: name)?.type?.dataType ?? .float32
            if type == .float64 { try requireSingle(tensor, name) }
            guard type == .float32 else { return tensor.converted(to: type) }
            let values = tensor.asFloat32()
            if model.isQuantized, let index = values.firstNonFinite {
                throw ModelError(
                    "has a value that is not a number or infinite, at element \(index)", at: "input '\(name)'")
            }
            return values
        }
        if dependsOnData { return try evaluate(tensors) }
        let compilation = Compilation(shapes: tensors.map(\.shape), isObserved: !observed.isEmpty)
        guard let compiled = try compile(for: compilation) else { return try evaluate(tensors) }
        var names: [BufferID: [String]] = [:]
        for name in observed { if let buffer = compiled.buffers[name] { names[buffer, default: []].append(name) } }
        let ranges = Set(observed.compactMap { compiled.codes[$0]?.rangeBuffer })
        foundRanges = compiled.program.constants.filter { ranges.contains($0.key) }
        // Codes wait for their range, which the same step gives.
        var waiting: [(range: BufferID, name: String, tensor: Tensor)] = []
        return try compiled.executor.run(tensors, observing: Set(names.keys).union(ranges)) { buffer, tensor in
            if ranges.contains(buffer) {
                foundRanges[buffer] = tensor
                for (_, name, codes) in waiting where compiled.codes[name]?.rangeBuffer == buffer {
                    try observe(name, codes)
                }
                waiting.removeAll { $0.range == buffer }
            }
            for name in names[buffer] ?? [] {
                if let range = compiled.codes[name]?.rangeBuffer, foundRanges[range] == nil {
                    waiting.append((range, name, tensor))
                } else {
                    try observe(name, tensor)
                }
            }
        }
    }

    /// How the codes of a quantized value are read; nil for float values. Known after the first run.
    public func codes(of value: String) -> LoweredValue.Codes? {
        compiled.values.first.flatMap { $0.codes[value] }
    }

    /// The float values that an observed tensor stands for; to be asked while it is observed, since a range that is
    /// found at run time is forgotten with the next run.
    public func dequantized(_ tensor: Tensor, of value: String) -> Tensor? {
        switch codes(of: value) {
        case nil: tensor.asFloat32()
        case .grid(let codesPerUnit, let zeroPoint):
            try? DequantizeKernel(factor: 1 / codesPerUnit, zeroPoint: zeroPoint).evaluate([tensor]).first
        case .accumulators(let unit): try? DequantizeKernel(factor: unit).evaluate([tensor]).first
        case .rangeBuffer(let range):
            foundRanges[range].flatMap { try? RunTimeDequantizeKernel().evaluate([tensor, $0]).first }
        }
    }

    /// Everything is computed in float32: what that cannot hold would come out as infinity.
    private func requireSingle(_ tensor: Tensor, _ name: String) throws {
        guard let value = tensor.doubles().first(where: { $0.isFinite && !Float($0).isFinite }) else { return }
        throw ModelError(
            "\(value) is beyond float32, in which models are computed", at: "input '\(name)'",
            advice: "scale the data")
    }

    /// Some shapes in the model depend on the data: it is computed node by node.
    private var dependsOnData = false

    private func evaluate(_ tensors: [Tensor]) throws -> [Tensor] {
        dependsOnData = true
        let (engine, threads, repeatsMXNetSums) = (engine, threads, repeatsMXNetSums)
        return try model.evaluated(Dictionary(zip(inputs, tensors)) { first, _ in first }) { program in
            try Self.executor(engine, program, threads: threads, repeatsMXNetSums: repeatsMXNetSums).run([])
        }.map(\.tensor)
    }

    private static func executor(
        _ engine: EngineChoice, _ program: KernelProgram, threads: Int?, repeatsMXNetSums: Bool
    ) throws -> any Executor {
        switch engine {
        case .onednn: try OneDNNExecutor(program, threads: threads, repeatsMXNetSums: repeatsMXNetSums)
        case .reference: ReferenceExecutor(program)
        }
    }

    /// Nil if shapes depend on the data.
    private func compile(for compilation: Compilation) throws -> Compiled? {
        if let known = compiled[compilation] { return known }
        let named = Dictionary(zip(inputs, compilation.shapes)) { first, _ in first }
        let model = try model.adapted(to: named)
        if model.dependsOnData { return nil }
        try model.requireComplete()
        var graph = model.graph
        try TypeInference().annotate(&graph, shapes: named)
        var (program, codes) = try Lowering.lower(graph, arithmetic: arithmetic)
        if engine == .onednn, !compilation.isObserved { program = program.forOutputsOnly() }
        let executor = try Self.executor(engine, program, threads: threads, repeatsMXNetSums: repeatsMXNetSums)
        let buffers = Dictionary(program.values.map { ($0.name, $0.buffer) }) { first, _ in first }
        let result = Compiled(program: program, codes: codes, executor: executor, buffers: buffers)
        compiled[compilation] = result
        return result
    }
}

extension LoweredValue.Codes {
    /// Where the range lies, if the run finds it.
    fileprivate var rangeBuffer: BufferID? {
        if case .rangeBuffer(let range) = self { range } else { nil }
    }
}
