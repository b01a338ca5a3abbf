import GraphIR
import TensorCore

/// All that the project knows of one operator, in one place: its types, how MXNet and ONNX spell it, how MXNet's
/// quantizer treats it, and the kernels that compute it. Whatever a model does not have in common with every other
/// model is asked of its operators; importers, passes and executors name none.
///
/// A facet that an operator lacks says why: `inferTypes` and `lower` throw, `onnx` is a refusal with a reason.
public protocol OperatorDefinition: Sendable {
    /// The name in the graph: MXNet's, where MXNet has one for it.
    var name: String { get }
    /// One line for the table of operators.
    var summary: String { get }
    /// How many inputs a node may have.
    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int>
    /// The shapes of stored parameters as the attributes have them, by input; a dimension that they do not say is nil.
    func parameterShapes(_ node: any NodeDescription) throws -> [Int: [Int?]]
    /// Shapes of inputs, by input, that follow from those of other inputs. An input whose shape nothing else says gets
    /// its shape from here: first states, which MXNet writes with a batch of 0.
    func impliedInputShapes(_ node: NodeReader) throws -> [Int: Shape]
    /// The types of the outputs. An input whose shape is not known yet still has an element type and a grid.
    func inferTypes(_ node: NodeReader) throws -> [ValueType]
    var mxnet: MXNetForm? { get }
    var onnx: ONNXForm { get }
    /// An attribute for any batch, from the extents that it has for two; nil if the operator cannot say it.
    /// - Parameters:
    ///   - name: the name of the attribute.
    ///   - extents: its numbers, by the batch.
    ///   - source: the shape of the first input, as far as it is known.
    func attribute(_ name: String, forAnyBatch extents: [BatchExtent], of source: [BatchExtent]?) -> Attribute?
    var quantization: QuantizationRule { get }
    /// Whether the results are known as soon as the shapes of the inputs are: lowering gives constants then.
    var dependsOnShapesOnly: Bool { get }
    /// Appends the kernels that compute the node to the program of `lowering`.
    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws
    /// Small graphs around the operator; at least one.
    var examples: [OperatorExample] { get }
}

extension OperatorDefinition {
    public func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 1...1 }
    public func parameterShapes(_ node: any NodeDescription) -> [Int: [Int?]] { [:] }
    public var dependsOnShapesOnly: Bool { false }
    public func attribute(
        _ name: String, forAnyBatch extents: [BatchExtent], of source: [BatchExtent]?
    ) -> Attribute? { nil }
    public func impliedInputShapes(_ node: NodeReader) -> [Int: Shape] { [:] }

    /// - Throws: `ModelError` if a node has too few or too many inputs.
    public func checkInputCount(of node: any NodeDescription) throws {
        let count = node.inputs.count, expected = try inputCount(node)
        guard !expected.contains(count) else { return }
        let range =
            expected.lowerBound == expected.upperBound
            ? "\(expected.lowerBound)" : "\(expected.lowerBound) to \(expected.upperBound)"
        throw ModelError("has \(count) inputs, but \(range) are needed", advice: "the file looks damaged")
    }
}

/// A node with the graph around it, read with errors that say where they are.
public struct NodeReader {
    /// The node that is read.
    public let node: Node
    /// Where it is.
    public let graph: Graph

    /// A reader of a node of a graph.
    public init(_ node: Node, in graph: Graph) {
        self.node = node
        self.graph = graph
    }

    /// The node's.
    public var attributes: Attributes { node.attributes }

    /// `node 'pool0' (Pooling)`
    public var place: String { "node '\(node.name)' (\(node.op))" }

    /// The value at an input.
    /// - Throws: `ModelError` if it is not given.
    public func input(_ index: Int) throws -> Value {
        guard node.inputs.indices.contains(index), let id = node.inputs[index] else {
            throw ModelError("input \(index) is missing", at: place)
        }
        return graph[id]
    }

    /// Whether the input is given.
    public func hasInput(_ index: Int) -> Bool { node.inputs.indices.contains(index) && node.inputs[index] != nil }

    /// The type of an input.
    /// - Throws: `ModelError` if nothing is known of it.
    public func type(_ index: Int) throws -> ValueType {
        let value = try input(index)
        guard let type = value.type else {
            throw ModelError("the type of its input '\(value.name)' is not known", at: place)
        }
        return type
    }

    /// The stored elements of an input.
    /// - Throws: `ModelError` if the input is computed, given at run time, or missing from the parameters.
    public func parameter(_ index: Int) throws -> Tensor {
        let value = try input(index)
        guard let tensor = value.tensor else {
            throw ModelError(
                "its input '\(value.name)' has to be a stored parameter", at: place,
                advice: "check that the .params file belongs to this symbol")
        }
        return tensor
    }

    /// The shape of an input, with an error that tells how to give it.
    public func shape(_ index: Int) throws -> Shape {
        guard let shape = try type(index).shape else {
            throw ModelError(
                "the shape of its input '\(try input(index).name)' is not known", at: place,
                advice: "give the shapes of the model's inputs with --shape NAME=1,3,224,224")
        }
        return shape
    }

    /// Runs `body` with the node as the place of its errors.
    public func locating<Result>(_ body: () throws -> Result) throws -> Result {
        try TensorCore.locating(place, body)
    }
}
