import TensorCore

extension Tensor {
    /// The values as they are (float32), or rounded half to even and saturated to int8, uint8 or int32.
    /// - Throws: `ModelError` for any other type.
    init(rounding values: [Float], to type: DataType, shape: Shape) throws {
        switch type {
        case .float32: self.init(values, shape: shape)
        case .int8: self.init(values.map { saturated($0, as: Int8.self) }, shape: shape)
        case .uint8: self.init(values.map { saturated($0, as: UInt8.self) }, shape: shape)
        case .int32: self.init(values.map { saturated($0, as: Int32.self) }, shape: shape)
        default: throw ModelError("a kernel cannot produce \(type)")
        }
    }
}
