import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's Range, ConstantOfShape and EyeLike: a tensor made from stored numbers, or in the shape of another. MXNet says
/// them with attributes, `_arange`, `_full` and `_eye`, so that a file's constants become those.
struct ONNXGenerated: OperatorDefinition {
    enum Kind: String, CaseIterable { case range = "Range", constant = "ConstantOfShape", eye = "EyeLike" }

    let kind: Kind
    var name: String { kind.rawValue }
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it is made, not computed from other tensors")
    var dependsOnShapesOnly: Bool { kind == .eye }

    var summary: String {
        switch kind {
        case .range: "numbers with one step between them: start, end, step"
        case .constant: "one number everywhere, in a shape that is an input"
        case .eye: "ones on a diagonal in the shape of a matrix"
        }
    }

    var onnx: ONNXForm {
        let kind = kind
        return .mapped(
            ONNXMapping(
                kind.rawValue,
                write: { node, writing in
                    let type = try ONNXGenerated(kind: kind).inferTypes(node)[0]
                    var attributes: [ONNXAttribute] = []
                    switch kind {
                    case .range: break
                    case .constant:
                        if let value = Self.value(node) {
                            attributes = [ONNXAttribute("value", .tensor(ONNXTensor(name: "value", value)))]
                        }
                    case .eye:
                        attributes = [
                            ONNXAttribute("dtype", .int(Int(ONNXElementType(type.dataType).rawValue))),
                            ONNXAttribute("k", .int(try node.attributes.integer("k") ?? 0)),
                        ]
                    }
                    let inputs = try node.node.inputs.indices.map { try writing.name(node, $0) }
                    writing.emit(kind.rawValue, node, inputs: inputs, attributes: attributes)
                },
                read: { reading in
                    var attributes: Attributes = [:]
                    if case .tensor(let value)? = reading.node.attribute("value") {
                        attributes["value"] = .tensor(try value.tensor())
                    }
                    if let code = try reading.integer("dtype") {
                        guard let type = Int32(exactly: code).flatMap({ ONNXElementType(rawValue: $0)?.dataType })
                        else {
                            throw ModelError("element type \(code) is not supported")
                        }
                        attributes["dtype"] = .text(type.rawValue)
                    }
                    if let k = try reading.integer("k") { attributes["k"] = .integer(k) }
                    reading.define(kind.rawValue, attributes)
                }))
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { kind == .range ? 3...3 : 1...1 }

    private static func value(_ node: NodeReader) -> Tensor? {
        guard case .tensor(let tensor)? = node.attributes["value"], tensor.elementCount == 1 else { return nil }
        return tensor
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        switch kind {
        case .range:
            let count = try? tensor(node).elementCount
            return [ValueType(try node.type(0).dataType, count.map { [$0] })]
        case .constant:
            let stored = try node.input(0).tensor
            let shape = try stored.map { try Self.checked($0.asInts()) }
            return [ValueType(Self.value(node)?.dataType ?? .float32, shape)]
        case .eye:
            let type = try node.type(0)
            return [ValueType(try node.attributes.choice("dtype", default: type.dataType), type.shape)]
        }
    }

    private static func checked(_ dimensions: [Int]) throws -> Shape {
        let shape = try Shape(checking: dimensions)
        guard shape.elementCount <= TensorStorage.memoryLimit / 8 else {
            throw ModelError("\(shape) elements do not fit into memory")
        }
        return shape
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let tensor = try tensor(node)
        lowering.define(node, LoweredValue(lowering.addConstant(tensor.converted(to: tensor.dataType.computed))))
    }

    private func tensor(_ node: NodeReader) throws -> Tensor {
        switch kind {
        case .range: return try range(node)
        case .constant:
            let shape = try Self.checked(try node.parameter(0).asInts())
            let value = Self.value(node) ?? Tensor(scalar: Float(0))
            return Tensor(dataType: value.dataType, shape: shape) { target in
                value.withBytes { bytes in
                    for offset in stride(from: 0, to: target.count, by: bytes.count) {
                        UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: bytes)
                    }
                }
            }
        case .eye:
            let shape = try node.shape(0)
            guard shape.rank == 2 else { throw ModelError("\(shape) is not a matrix") }
            let k = try node.attributes.integer("k") ?? 0
            let values = (0..<shape.elementCount).map { $0 % shape[1] - $0 / shape[1] == k }
            return Tensor(values, shape: shape).converted(to: try inferTypes(node)[0].dataType)
        }
    }

    private func range(_ node: NodeReader) throws -> Tensor {
        let numbers = try (0..<3).map { try node.parameter($0) }
        guard numbers.allSatisfy({ $0.elementCount == 1 }) else { throw ModelError("a range needs three numbers") }
        let values = numbers.map { $0.doubles()[0] }
        guard values[2] != 0 else { throw ModelError("a range needs a step") }
        let count = Int(saturating: ((values[1] - values[0]) / values[2]).rounded(.up))
        let shape = try Self.checked([max(count, 0)])
        if numbers[0].dataType.isFloatingPoint {
            let elements = (0..<shape.elementCount).map { values[0] + Double($0) * values[2] }
            return Tensor(elements, shape: shape).converted(to: numbers[0].dataType)
        }
        let (start, step) = (numbers[0].asInts()[0], numbers[2].asInts()[0])
        let elements = (0..<shape.elementCount).map { Int64(start &+ $0 &* step) }
        return Tensor(elements, shape: shape).converted(to: numbers[0].dataType)
    }

    var examples: [OperatorExample] {
        switch kind {
        case .range:
            [
                OperatorExample(
                    "whole numbers",
                    """
                    %data: int64[4] = input
                    %start: int64[] = parameter(10)
                    %end: int64[] = parameter(-2)
                    %step: int64[] = parameter(-3)
                    %range_output = Range(%start, %end, %step)
                    %sum_output = broadcast_add(%data, %range_output)
                    return %sum_output
                    """)
            ]
        case .constant:
            [
                OperatorExample(
                    "zeros",
                    """
                    %data: float32[2, 3] = input
                    %shape: int64[2] = parameter(2, 3)
                    %zeros_output = ConstantOfShape(%shape)
                    %sum_output = broadcast_add(%data, %zeros_output)
                    return %sum_output
                    """)
            ]
        case .eye:
            [
                OperatorExample(
                    "above the diagonal",
                    """
                    %data: float32[3, 4] = input
                    %eye_output = EyeLike(%data) {k=1}
                    return %eye_output
                    """)
            ]
        }
    }
}
