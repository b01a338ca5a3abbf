import GraphIR
import Kernels
import ONNXFormat
import OneDNNBackend
import Operators
import TensorCore
import Translation

/// ONNX models leave extents open, and compute shapes; their graph is made for shapes, and made again for others.
extension Model {
    /// Reads an ONNX model for inputs of given shapes. Where an extent is given nowhere, it is 1 until data comes; or 224,
    /// if that is too little for the model's windows.
    ///
    /// - Parameter values: inputs that are constants.
    /// - Throws: `ModelError` for inputs that do not exist.
    init(
        _ file: ONNXModel, name: String, shapes: [String: Shape] = [:], values: [String: Tensor] = [:],
        evaluate: ONNXImporter.Evaluation? = nil
    ) throws {
        let importer = evaluate.map { ONNXImporter(evaluate: $0) } ?? ONNXImporter()
        func read(assuming extent: Int) throws -> Model {
            let assumed = file.shapes(assuming: extent).filter { shapes[$0.key] == nil && values[$0.key] == nil }
            let (graph, report) = try importer.graph(
                of: file, name: name, shapes: shapes.merging(assumed) { given, _ in given }, values: values)
            return Model(graph: graph, report: report)
        }
        self = try read(assuming: 1)
        if values.isEmpty, unknownShapes > 0, file.shapes(assuming: 1) != file.shapes(assuming: 224),
            let larger = try? read(assuming: 224), larger.unknownShapes < unknownShapes
        {
            self = larger
        }
        source = file
        inputProblem = file.inputProblem
    }

    private var unknownShapes: Int { graph.values.count { $0.producer != nil && $0.type?.shape == nil } }

    /// The model for inputs of these shapes.
    func adapted(to shapes: [String: Shape]) throws -> Model {
        guard let source else { return self }
        let known = graph.inputs.allSatisfy { graph[$0].type?.shape == shapes[graph[$0].name] }
        return known ? self : try Model(source, name: graph.name, shapes: shapes).collapsed()
    }

    /// Whether what some nodes compute, or its shape, is known only when the data is.
    var dependsOnData: Bool {
        source != nil
            && graph.topologicalOrder().contains { id in
                OperatorTable.standard[graph[id].op] == nil
                    || graph[id].outputs.contains { graph[$0].type?.shape == nil }
            }
    }

    /// The outputs for these inputs, computed node by node, each with the shapes that those before it have given.
    /// - Throws: `ModelError` that names what cannot be computed.
    func evaluated(
        _ inputs: [String: Tensor], evaluate: @escaping ONNXImporter.Evaluation
    ) throws -> [(name: String, tensor: Tensor)] {
        guard let source else { return [] }
        let model = try Model(source, name: graph.name, values: inputs, evaluate: evaluate)
        if let problem = model.inputProblem { throw problem }
        let results = model.graph.outputs.map { model.graph[$0] }
        guard results.allSatisfy({ $0.tensor != nil }) else {
            try model.requireComplete()
            throw ModelError(
                model.report.losses.isEmpty
                    ? "not everything can be computed" : model.report.losses.joined(separator: "; "),
                at: graph.name)
        }
        return zip(source.graph.outputs, results).compactMap { output, value in value.tensor.map { (output.name, $0) } }
    }
}

extension ONNXModel {
    /// What of the inputs no run can be given.
    fileprivate var inputProblem: ModelError? {
        let stored = Set(graph.initializers.map(\.name))
        for input in graph.inputs where !stored.contains(input.name) {
            switch input.type {
            case .tensor(let element, _)? where element.dataType == nil:
                return ModelError("elements of \(element) cannot be computed", at: "input '\(input.name)'")
            case .tensor?, nil: continue
            default: return ModelError("is no tensor, and nothing else can be computed", at: "input '\(input.name)'")
            }
        }
        return nil
    }

    /// Shapes of the inputs that leave an extent open: with 1 for the batch, and `extent` for others.
    fileprivate func shapes(assuming extent: Int) -> [String: Shape] {
        let stored = Set(graph.initializers.map(\.name))
        var shapes: [String: Shape] = [:]
        for input in graph.inputs where !stored.contains(input.name) {
            guard case .tensor(_, let dimensions?)? = input.type else { continue }
            let extents = dimensions.enumerated().map { axis, dimension in
                if case .known(let known) = dimension { known } else { axis == 0 ? 1 : extent }
            }
            shapes[input.name] = try? Shape(checking: extents)
        }
        return shapes
    }
}
