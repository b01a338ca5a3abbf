/// What is known of a tensor without its elements.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
    /// The type of the elements.
    public var dataType: DataType
    /// Extents, outermost axis first.
    public var shape: Shape

    /// The type of tensors of that shape.
    public init(_ dataType: DataType, _ shape: Shape) {
        self.dataType = dataType
        self.shape = shape
    }

    /// How many bytes such a tensor takes.
    public var byteCount: Int { shape.elementCount * dataType.byteWidth }
    /// `float32 1×3×224×224`
    public var description: String { "\(dataType) \(shape)" }
}

extension Tensor {
    /// Type of elements and shape in one.
    public var type: TensorType { TensorType(dataType, shape) }
}
