import GraphIR
import Kernels
import OneDNNBackend
import Operators
import TensorCore

/// How a model is profiled or timed.
public struct TimingOptions: Sendable {
    /// Which int8 arithmetic computes.
    public var arithmetic = Arithmetic.exact
    /// That oneDNN may use; nil for all.
    public var threads: Int?
    /// Samples that run at once; nil for as many as the model's inputs have.
    public var batchSize: Int?
    /// Runs that are measured; the median of them counts.
    public var rounds = 15

    /// Fifteen rounds of the model as it is.
    public init() {}
}

/// What the layers of a model cost.
public struct ModelProfile: Sendable {
    /// What one step costs.
    public struct Layer: Sendable {
        /// The node of the model that is run.
        public var node: String
        /// The nodes of the float model that it stands for.
        public var origins: [String]
        /// `convolution`
        public var kernel: String
        /// The type of its data: the first operand.
        public var dataType: DataType
        /// What computes it, as oneDNN calls it: `brgconv:avx512_core_vnni`.
        public var implementation: String
        /// The median of the rounds.
        public var duration: Duration
        /// Multiplications and additions; nil where memory is what it costs.
        public var operations: Int?
        /// Bytes of its operands and results.
        public var bytes: Int

        /// Operations per second; nil without operations.
        public var rate: Double? { operations.map { Double($0) / Swift.max(duration / .seconds(1), 1e-9) } }
    }

    /// In the order in which they run; steps that cost nothing are left out.
    public var layers: [Layer]
    /// Samples that ran at once.
    public var batchSize: Int
    /// Operations per second that oneDNN's best single convolution reaches on this machine, by type of its codes.
    public var peaks: [DataType: Double]

    /// Of all layers, for one batch.
    public var duration: Duration { layers.reduce(.zero) { $0 + $1.duration } }

    /// The share of the machine's best rate that a layer reaches.
    public func shareOfPeak(_ layer: Layer) -> Double? {
        guard let rate = layer.rate,
            let peak = peaks[layer.dataType.isCode ? .uint8 : .float32]
        else { return nil }
        return rate / peak
    }
}

extension Model {
    /// Measures each layer on made-up data of the inputs' shapes, through oneDNN.
    /// - Throws: `ModelError` if the shape of an input is not known.
    public func profile(_ options: TimingOptions = TimingOptions()) throws -> ModelProfile {
        var profile = try layerProfile(options)
        let usesCodes = profile.layers.contains { $0.dataType.isCode }
        for type in usesCodes ? [DataType.float32, .uint8] : [.float32] {
            profile.peaks[type] = try PeakRate.measure(type, batch: profile.batchSize, threads: options.threads)
        }
        return profile
    }

    /// The same without the machine's peaks, which take longer to find than the layers' times.
    func layerProfile(_ options: TimingOptions) throws -> ModelProfile {
        let timed = try TimedModel(self, options)
        let node = Dictionary(timed.graph.nodes.map { ($0.name, $0) }) { first, _ in first }
        _ = try timed.executor.profile(timed.inputs)
        let rounds = try (0..<options.rounds).map { _ in try timed.executor.profile(timed.inputs) }
        let program = timed.program
        let layers = program.steps.indices.compactMap { index -> ModelProfile.Layer? in
            let first = rounds[0][index]
            guard !first.implementations.isEmpty else { return nil }
            let step = program.steps[index]
            let durations = rounds.map { $0[index].duration }.sorted()
            let types = (step.operands + step.results).map { program.type(of: $0) }
            return ModelProfile.Layer(
                node: step.node, origins: node[step.node]?.origins ?? [step.node], kernel: first.kernel,
                dataType: program.type(of: step.operands[0]).dataType,
                implementation: first.implementations.map { $0.components(separatedBy: ": ").last ?? $0 }
                    .joined(separator: " + "), duration: durations[durations.count / 2],
                operations: program.operationCount(of: step), bytes: types.reduce(0) { $0 + $1.byteCount })
        }
        return ModelProfile(layers: layers, batchSize: timed.batchSize, peaks: [:])
    }
}

/// A model compiled for made-up data.
struct TimedModel {
    let graph: Graph
    let program: KernelProgram
    let executor: OneDNNExecutor
    let inputs: [Tensor]
    let batchSize: Int

    init(_ model: Model, _ options: TimingOptions) throws {
        var shapes: [String: Shape] = [:]
        for name in model.inputNames {
            guard var shape = model.graph.value(named: name)?.type?.shape else {
                throw ModelError(
                    "its shape is not known", at: "input '\(name)'", advice: "give it with --shape \(name)=1,3,224,224")
            }
            if let size = options.batchSize, shape.rank > 0 { shape = shape.replacing(axis: 0, with: size) }
            shapes[name] = shape
        }
        let adapted = try model.collapsed().adapted(to: shapes)
        try adapted.requireComplete()
        var graph = adapted.graph
        try TypeInference().annotate(&graph, shapes: shapes)
        let program = try Lowering.lower(graph, arithmetic: options.arithmetic).program.forOutputsOnly()
        executor = try OneDNNExecutor(program, threads: options.threads)
        inputs = program.inputs.enumerated().map { index, port in
            OperatorExample.elements(of: program.type(of: port.buffer), seed: index)
        }
        batchSize = program.inputs.first.flatMap { program.type(of: $0.buffer).shape.dimensions.first } ?? 1
        self.graph = graph
        self.program = program
    }
}
