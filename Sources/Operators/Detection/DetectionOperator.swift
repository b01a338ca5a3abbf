import GraphIR
import Kernels
import TensorCore

/// An operator that is one kernel on all of its inputs, in float32.
protocol DetectionOperator: OperatorDefinition {
    func kernel(_ node: NodeReader) throws -> any Kernel
}

extension DetectionOperator {
    var quantization: QuantizationRule { .float(because: "works on coordinates, which 8 bits are too coarse for") }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let kernel = try kernel(node)
        let shapes = try node.node.inputs.indices.map { try node.type($0).shape }
        let known = shapes.compactMap { $0 }
        guard known.count == shapes.count else { return node.node.outputs.map { _ in ValueType(.float32, nil) } }
        return try kernel.resultTypes(known.map { TensorType(.float32, $0) }).map { ValueType(.float32, $0.shape) }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try node.node.inputs.indices.map { try lowering.floatValue(node, $0) }
        let results = try lowering.addAll(try kernel(node), operands, node)
        for (index, result) in results.enumerated() where index < node.node.outputs.count {
            lowering.define(node, output: index, LoweredValue(result))
        }
    }
}

extension Attributes {
    /// A required or defaulted list of numbers of a given length, or of any.
    func floats(_ name: String, default fallback: [Float], count: Int? = nil) throws -> [Float] {
        let values = try numbers(name).map { $0.map { Float($0) } } ?? fallback
        guard count == nil || values.count == count else {
            throw ModelError("\(name) has \(values.count) numbers, but \(count ?? 0) are needed")
        }
        return values
    }

    func float(_ name: String, default fallback: Float) throws -> Float {
        try number(name).map { Float($0) } ?? fallback
    }

    /// A limit, where −1 or nothing is none.
    func limit(_ name: String) throws -> Int? {
        guard let limit = try integer(name), limit >= 0 else { return nil }
        return limit
    }
}
