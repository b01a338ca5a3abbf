/// What is known of a tensor without its elements.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
    public var dataType: DataType
    public var shape: Shape

    public init(_ dataType: DataType, _ shape: Shape) {
        self.dataType = dataType
        self.shape = shape
    }

    public var byteCount: Int { shape.elementCount * dataType.byteWidth }
    public var description: String { "\(dataType) \(shape)" }
}

extension Tensor {
    public var type: TensorType { TensorType(dataType, shape) }
}
