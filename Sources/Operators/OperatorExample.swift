import GraphIR
import TensorCore

/// A small graph around an operator: it shows how the operator is spelled, and the laws that all operators obey are tried
/// on it (Tests/OperatorsTests).
public struct OperatorExample: Sendable, CustomStringConvertible {
    /// What is special about it: `grouped and dilated`.
    public let title: String
    /// The statements of the graph, as `GraphParser` reads them. Parameters without elements, `parameter(...)`, get
    /// made-up ones.
    public let text: String
    /// The oldest opset in which ONNX can say it, where that depends on attributes; `Int.max` for none.
    public let onnxSince: Int

    /// An example as text of the graph.
    public init(_ title: String, _ text: String, onnxSince: Int = 0) {
        self.title = title
        self.text = text
        self.onnxSince = onnxSince
    }

    public var description: String { title }

    /// - Throws: `ModelError` if the text is wrong.
    public func graph() throws -> Graph {
        var graph = try GraphParser.parse("graph example {\n\(text)\n}")
        for value in Array(graph.parameters) {
            guard let tensor = value.tensor, tensor.floats().allSatisfy({ $0 == 0 }) else { continue }
            let elements = Self.elements(of: tensor.type, seed: value.id.index)
            graph.setTensor(elements, of: value.id, quantization: value.type?.quantization)
        }
        return graph
    }

    /// The same made-up elements on every machine: −1…1, or all codes of an integer type, evenly spread.
    public static func elements(of type: TensorType, seed: Int) -> Tensor {
        // A linear congruential generator (Knuth's MMIX); its upper bits are good enough here.
        var state = UInt64(truncatingIfNeeded: seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
        func next() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 23) - 1
        }
        let values = (0..<type.shape.elementCount).map { _ in next() }
        switch type.dataType {
        case .int8: return Tensor(values.map { Int8($0 * 127) }, shape: type.shape)
        case .uint8: return Tensor(values.map { UInt8(($0 + 1) * 127) }, shape: type.shape)
        case .int32: return Tensor(values.map { Int32($0 * 1000) }, shape: type.shape)
        case .int64: return Tensor(values.map { Int64($0 * 1000) }, shape: type.shape)
        case .bool: return Tensor(values.map { $0 > 0 }, shape: type.shape)
        default: return Tensor(values, shape: type.shape)
        }
    }
}
