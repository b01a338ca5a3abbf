import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y[i…, q…] = data[indices[0, i…], …, indices[m − 1, i…], q…] (src/operator/tensor/indexing_op.h). MXNet's tuples of
/// indices are the first axis; in ONNX they are the last.
struct GatherND: OperatorDefinition {
    let name = "gather_nd"
    let summary = "slices of a tensor at tuples of indices"
    let mxnet: MXNetForm? = MXNetForm("gather_nd", "_npi_gather_nd", "_npx_gather_nd")
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no form on codes")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let tuples = try writing.tuples(node, 1)
                writing.emit("GatherND", node, inputs: [try writing.name(node, 0), tuples])
            }, read: { reading in reading.define("gather_nd") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (source, indices) = (try node.type(0), try node.type(1))
        let type = source.dataType.computed
        guard let shape = source.shape, let other = indices.shape else { return [ValueType(type, nil)] }
        let operands = [TensorType(type, shape), TensorType(.int64, try other.tuplesLast)]
        return [ValueType(type, try GatherNDKernel(mode: .fromEnd).resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        let tuples = try lowering.tuples(node, 1)
        lowering.define(
            node, LoweredValue(try lowering.add(GatherNDKernel(mode: .fromEnd), [source, tuples], node)))
    }

    let examples = [
        OperatorExample(
            "elements, from the end, too",
            """
            %data: float32[2, 3] = input
            %indices: float32[2, 4] = parameter(1, 0, -1, 0, 2, 0, 1, -1)
            %gather_output = gather_nd(%data, %indices)
            return %gather_output
            """),
        OperatorExample(
            "rows",
            """
            %data: float32[2, 3, 4] = input
            %indices: int64[2, 1, 2] = parameter(0, 1, 2, 0)
            %gather_output = gather_nd(%data, %indices)
            return %gather_output
            """),
    ]
}

/// Zeros of a given shape into which slices are written at tuples of indices (src/operator/tensor/indexing_op.h).
struct ScatterND: OperatorDefinition {
    let name = "scatter_nd"
    let summary = "zeros with slices at tuples of indices"
    let mxnet: MXNetForm? = MXNetForm("scatter_nd")
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no form on codes")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let shape = try ScatterND.shape(node.attributes)
                let zeros = Tensor([Float](repeating: 0, count: shape.elementCount), shape: shape)
                let name = writing.initializer(
                    node.node.name + "_zeros", zeros.converted(to: try node.type(0).dataType.computed))
                let tuples = try writing.tuples(node, 1)
                writing.emit("ScatterND", node, inputs: [name, tuples, try writing.name(node, 0)])
            }, read: { reading in reading.define("scatter_nd") }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    private static func shape(_ attributes: Attributes) throws -> Shape {
        guard let extents = try attributes.extents("shape") else { throw ModelError("shape is missing") }
        let shape = try Shape(checking: extents)
        guard shape.elementCount <= 1 << 30 else { throw ModelError("shape=\(shape) is out of range") }
        return shape
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        [ValueType(try node.type(0).dataType.computed, try Self.shape(node.attributes))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let updates = try lowering.floatValue(node, 0)
        let shape = try Self.shape(node.attributes)
        let type = lowering.type(of: LoweredValue(updates)).dataType
        let zeros = Tensor(dataType: type, shape: shape) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        let operands = [lowering.addConstant(zeros), try lowering.tuples(node, 1), updates]
        lowering.define(node, LoweredValue(try lowering.add(ScatterNDKernel(), operands, node)))
    }

    let examples = [
        OperatorExample(
            "rows",
            """
            %data: float32[2, 3] = input
            %indices: float32[2, 2] = parameter(1, 0, 0, 1)
            %scatter_output = scatter_nd(%data, %indices) {shape="(2, 2, 3)"}
            return %scatter_output
            """)
    ]
}

extension Shape {
    /// The shape with its first axis behind all others.
    fileprivate var tuplesLast: Shape {
        get throws {
            guard rank >= 1 else { throw ModelError("indices that are a scalar name nothing") }
            return Shape(Array(dimensions[1...] + [dimensions[0]]))
        }
    }
}

extension Lowering {
    /// The indices of an input, tuples last.
    fileprivate mutating func tuples(_ node: NodeReader, _ input: Int) throws -> BufferID {
        let indices = try value(node, input).buffer
        let shape = type(of: LoweredValue(indices)).shape
        let result = try shape.tuplesLast
        let view = StridedViewKernel(shape: result, strides: Array(shape.strides[1...] + [shape.strides[0]]))
        return try add(view, [indices], node)
    }
}

extension ONNXWriting {
    /// The indices of an input as int64, tuples last; returns the name of the result.
    fileprivate mutating func tuples(_ node: NodeReader, _ input: Int) throws -> String {
        let shape = try node.shape(input), whole = try wholeIndices(node, input)
        let name = node.node.name + "_tuples"
        emit(
            "Transpose", node, inputs: [whole],
            attributes: [ONNXAttribute("perm", .ints(Array(1..<max(shape.rank, 1)) + [0]))], suffix: "_tuples",
            outputs: [name])
        return name
    }
}
