import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// condition ≠ 0 ? x : y. `where` wants one shape, or a condition for each row (src/operator/tensor/control_flow_op.h);
/// `_npi_where` and ONNX's Where repeat axes of extent 1 (src/operator/numpy/np_where_op.cc).
struct Where: OperatorDefinition {
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm
    let quantization = QuantizationRule.float(because: "MXNet has no int8 kernel that chooses elements")
    let examples: [OperatorExample]
    private let broadcasts: Bool

    init(broadcasts: Bool) {
        self.broadcasts = broadcasts
        name = broadcasts ? "_npi_where" : "where"
        summary =
            "elements of one tensor or another"
            + (broadcasts ? ", axes of extent 1 repeated" : ", or rows of them")
        mxnet = MXNetForm(names: broadcasts ? ["_npi_where"] : ["where", "_sparse_where"])
        onnx = Self.form(broadcasts: broadcasts)
        examples = Self.examples(broadcasts: broadcasts)
    }

    private static func form(broadcasts: Bool) -> ONNXForm {
        .mapped(
            ONNXMapping(
                types: broadcasts ? ["Where"] : [],
                write: { node, writing in
                    var condition = ONNXExpression.input(0)
                    if !broadcasts, try isForRows(node) {
                        let axes = Tensor((1..<(try node.shape(1).rank)).map(Int64.init))
                        let name = writing.initializer(node.node.name + "_axes", axes)
                        let output = node.node.name + "_rows"
                        writing.emit(
                            "Unsqueeze", node, inputs: [try writing.name(node, 0), name], suffix: "_rows",
                            outputs: [output])
                        condition = .value(output)
                    }
                    if try node.type(0).dataType != .bool { condition = condition.isNotZero }
                    try writing.emit(.op("Where", condition, .input(1), .input(2)), node)
                },
                read: { reading in reading.define("_npi_where") }))
    }

    /// A vector of conditions chooses whole rows of tensors with more axes.
    private static func isForRows(_ node: NodeReader) throws -> Bool {
        let condition = try node.shape(0), data = try node.shape(1)
        return condition.rank == 1 && data.rank > 1 && condition[0] == data[0]
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let (x, y) = (try node.type(1), try node.type(2))
        let type = ArithmeticFamily.promoted(x.dataType, y.dataType)
        guard broadcasts else {
            if let a = x.shape, let b = y.shape, a != b {
                throw ModelError("\(a) and \(b) differ, but where needs one shape")
            }
            return [ValueType(type, x.shape ?? y.shape)]
        }
        guard let condition = try node.type(0).shape, let a = x.shape, let b = y.shape else {
            return [ValueType(type, nil)]
        }
        return [ValueType(type, try Shape(broadcasting: [condition, a, b]))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let type = ArithmeticFamily.promoted(try node.type(1).dataType, try node.type(2).dataType).computed
        var condition = try lowering.floatValue(node, 0)
        if !broadcasts, try Self.isForRows(node) {
            let shape = lowering.type(of: condition).shape
            let ones = [Int](repeating: 1, count: try node.shape(1).rank - 1)
            condition = try lowering.add(ReshapeKernel(Shape(shape.dimensions + ones)), [condition], node)
        }
        let choices = try [1, 2].map { try lowering.converted(lowering.floatValue(node, $0), to: type, node) }
        lowering.define(node, LoweredValue(try lowering.add(SelectKernel(), [condition] + choices, node)))
    }

    private static func examples(broadcasts: Bool) -> [OperatorExample] {
        func example(_ title: String, _ condition: String, _ x: String, _ y: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[\(condition)] = input
                %x: float32[\(x)] = input
                %y: float32[\(y)] = input
                %condition_output = _greater_scalar(%data) {scalar="0"}
                %where_output = \(broadcasts ? "_npi_where" : "where")(%condition_output, %x, %y)
                return %where_output
                """)
        }
        if broadcasts { return [example("axes repeated", "3, 1", "1, 4", "2, 1, 1")] }
        return [example("elements", "2, 3", "2, 3", "2, 3")]
    }
}
