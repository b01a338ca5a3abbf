import GraphIR
import Kernels
import OneDNNBackend
import Passes
import TensorCore

@testable import Operators

/// A graph that the laws are tried on: an example of an operator, or what quantizing makes of one.
struct ExampleCase: Sendable, CustomStringConvertible {
    let family: String
    let op: String
    let title: String
    var graph: Graph
    var onnxSince = 0

    var description: String { "\(op), \(title)" }

    /// Every example of every operator.
    static func examples() throws -> [ExampleCase] {
        try OperatorFamily.all.flatMap { family in
            try family.definitions.flatMap { definition in
                try definition.examples.map { example in
                    var graph = try example.graph()
                    try TypeInference().annotate(&graph)
                    return ExampleCase(
                        family: family.name, op: definition.name, title: example.title, graph: graph,
                        onnxSince: example.onnxSince)
                }
            }
        }
    }

    /// Whether MXNet has all of its operators.
    var isMXNets: Bool { graph.nodes.allSatisfy { OperatorTable.standard[$0.op]?.mxnet != nil } }

    /// The examples that MXNet's quantizer takes, at its three stages.
    static func quantized() throws -> [ExampleCase] {
        try examples().filter(\.isQuantizable).flatMap { try $0.quantizedStages() }
    }

    private var isQuantizable: Bool {
        guard let node = graph.nodes.first(where: { $0.op == op }),
            !graph.values.contains(where: { $0.type?.isQuantized ?? false })
        else { return false }
        return OperatorTable.standard[op].map { $0.quantization.refusal(of: NodeReader(node, in: graph)) == nil }
            ?? false
    }

    func quantizedStages(codeType: QuantizationOptions.CodeType = .auto) throws -> [ExampleCase] {
        var ranges: [String: ValueRange] = [:]
        for (name, tensor) in try observed() {
            ranges[name] = tensor.floats().withUnsafeBufferPointer { ValueRange(of: $0) }
        }
        var graph = graph
        return try [
            ("quantized", Pipelines.quantize(QuantizationOptions(codeType: codeType))),
            ("calibrated", Pipelines.calibrate(ranges)), ("fused again", Pipelines.fuse),
        ].map { stage, pipeline in
            graph = try PipelineRunner().run(pipeline, on: graph).graph
            try TypeInference().annotate(&graph)
            return ExampleCase(family: family, op: op, title: "\(title), \(stage)", graph: graph)
        }
    }

    // MARK: Running

    enum Engine: CaseIterable { case reference, onednn }

    /// The same for every stage of an example.
    var inputs: [Tensor] {
        let labels = OperatorTable.standard.labels(of: graph)
        return graph.inputs.filter { !labels.contains($0) }.enumerated().map { index, id in
            let type = graph[id].type
            return OperatorExample.elements(
                of: TensorType(type?.dataType ?? .float32, type?.shape ?? []), seed: 1000 + index)
        }
    }

    func run(
        _ engine: Engine = .reference, arithmetic: Arithmetic = .exact, observing values: Bool = false
    ) throws -> (outputs: [Tensor], values: [String: Tensor]) {
        let program = try Lowering.lower(graph, arithmetic: arithmetic).program
        let executor: any Executor =
            switch engine {
            case .reference: ReferenceExecutor(program)
            case .onednn: try OneDNNExecutor(program, threads: 1)
            }
        let names = Dictionary(program.values.map { ($0.buffer, $0.name) }) { first, _ in first }
        var observed: [String: Tensor] = [:]
        let outputs = try executor.run(inputs, observing: values ? Set(names.keys) : []) { buffer, tensor in
            if let name = names[buffer] { observed[name] = tensor }
        }
        return (outputs, observed)
    }

    func observed() throws -> [String: Tensor] { try run(observing: true).values }
}

/// The largest difference of two tensors' elements.
func difference(_ a: Tensor, _ b: Tensor) -> Float {
    zip(a.floats(), b.floats()).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

func magnitude(_ tensor: Tensor) -> Float { tensor.floats().reduce(0) { max($0, abs($1)) } }
