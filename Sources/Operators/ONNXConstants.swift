import TensorCore

// Settings that ONNX's older versions keep in attributes and newer ones in inputs, which have to be stored there.

extension ONNXReading {
    /// Whole numbers, from an attribute or from a stored input; nil if neither is there.
    /// - Throws: `ModelError` if the input is computed.
    public func integers(_ name: String, orInput index: Int) throws -> [Int]? {
        if let values = try integers(name) { return values }
        return try storedInput(index, name)?.asInts()
    }

    /// A number, from an attribute or from a stored input; nil if neither is there.
    /// - Throws: `ModelError` if the input is computed, or not one number.
    public func number(_ name: String, orInput index: Int) throws -> Double? {
        if let value = try number(name) { return Double(value) }
        guard let tensor = try storedInput(index, name) else { return nil }
        guard tensor.elementCount == 1 else { throw ModelError("\(name) is \(tensor.type), but has to be one number") }
        switch tensor.dataType {
        case .float64: return tensor.elements(as: Double.self)[0]
        case .float32, .float16, .bfloat16, .bool: return Double(tensor.floats()[0])
        default: return Double(tensor.asInts()[0])
        }
    }

    /// The elements of an input that has to be stored; nil if it is left out.
    private func storedInput(_ index: Int, _ name: String) throws -> Tensor? {
        guard hasInput(index) else { return nil }
        guard let tensor = constant(index) else {
            throw ModelError(
                "its input '\(name)' is computed at run time", advice: "a model whose shapes are constants can be read")
        }
        return tensor
    }

    /// The number of axes of an input.
    /// - Throws: `ModelError` if the file does not say it; `what` is what it is needed for.
    func rank(_ index: Int, for what: String) throws -> Int {
        guard let shape = shape(index) else {
            throw ModelError(
                "\(what) can only be read if the shape of its input is known", advice: "store the shapes in the model")
        }
        return shape.rank
    }
}
