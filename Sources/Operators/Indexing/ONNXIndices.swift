import Kernels
import ONNXFormat
import TensorCore

// MXNet's indices are numbers of any type that are truncated, and may lie outside of their axis. ONNX's are int32 or
// int64, −extent … extent − 1.

extension ONNXWriting {
    /// Brings an input into ONNX's indices of an axis with `extent` elements; returns the name of the result.
    /// - Throws: `ModelError` if the stored indices lie outside of the axis, where `mode` does not allow that.
    mutating func indices(_ node: NodeReader, _ input: Int, extent: Int, mode: IndexMode) throws -> String {
        let value = try node.input(input)
        if let tensor = value.tensor {
            let lowest = mode == .wrap || mode == .fromEnd ? -extent : 0
            if tensor.dataType.isONNXIndex, tensor.asInts().allSatisfy({ lowest..<extent ~= $0 }) { return value.name }
            let indices = try tensor.asInts().map { Int64(try mode.resolve($0, extent: extent)) }
            return initializer(value.name + "_index\(extent)", Tensor(indices, shape: tensor.shape))
        }
        let whole = try wholeIndices(node, input)
        let name = node.node.name + "_index"
        let dataType = try node.type(input).dataType
        func constant(_ number: Int) -> Tensor {
            dataType == .int32 ? Tensor(scalar: Int32(clamping: number)) : Tensor(scalar: Int64(number))
        }
        switch mode {
        case .raise, .fromEnd: return whole
        case .wrap:
            let modulus = initializer(name + "_extent", constant(extent))
            emit("Mod", node, inputs: [whole, modulus], suffix: "_index_wrap", outputs: [name])
        case .clip:
            let first = initializer(name + "_first", constant(0))
            let last = initializer(name + "_last", constant(extent - 1))
            emit("Clip", node, inputs: [whole, first, last], suffix: "_index_clip", outputs: [name])
        }
        return name
    }

    /// Brings the indices of an input to a type that ONNX takes, wherever they lie; returns the name of the result.
    mutating func wholeIndices(_ node: NodeReader, _ input: Int) throws -> String {
        let value = try node.input(input)
        guard try !node.type(input).dataType.isONNXIndex else { return value.name }
        if let tensor = value.tensor { return initializer(value.name + "_whole", tensor.converted(to: .int64)) }
        let name = node.node.name + "_index_whole"
        cast(node, value.name, to: .int64, suffix: "_index_whole", output: name)
        return name
    }

    /// Emits a Cast.
    mutating func cast(_ node: NodeReader, _ input: String, to type: DataType, suffix: String, output: String) {
        emit(
            "Cast", node, inputs: [input],
            attributes: [ONNXAttribute("to", .int(Int(ONNXElementType(type).rawValue)))], suffix: suffix,
            outputs: [output])
    }
}

extension DataType {
    fileprivate var isONNXIndex: Bool { self == .int32 || self == .int64 }
}
