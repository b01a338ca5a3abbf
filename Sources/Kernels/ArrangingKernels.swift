import TensorCore

/// Elements of the source in another arrangement: transposed, sliced, reversed, repeated.
///
///     result[i₀, i₁, …] = source[offset + i₀ · strides₀ + i₁ · strides₁ + …]
///
/// The source counts as one row of elements, of any type. A stride of 0 repeats, a negative one reverses.
public struct StridedViewKernel: Kernel, Hashable {
    public static let name = "strided view"
    public var shape: Shape
    public var strides: [Int]
    public var offset: Int

    public init(shape: Shape, strides: [Int], offset: Int = 0) {
        self.shape = shape
        self.strides = strides
        self.offset = offset
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 1, strides.count == shape.rank, reaches(within: operands[0].shape.elementCount) else {
            throw ModelError("a view of \(shape) with strides (\(strides.commaSeparated)) does not fit \(operands)")
        }
        return [TensorType(operands[0].dataType, shape)]
    }

    /// True if no element of the view lies outside of the first `count` elements.
    private func reaches(within count: Int) -> Bool {
        if shape.elementCount == 0 { return true }
        var (lowest, highest) = (offset, offset)
        for (extent, stride) in zip(shape.dimensions, strides) {
            let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            guard !overflow, abs(reach) <= count else { return false }
            if reach < 0 { lowest += reach } else { highest += reach }
        }
        return lowest >= 0 && highest < count
    }
}

/// Tensors of one type one after the other along an axis; they agree in all other axes.
public struct ConcatenateKernel: Kernel, Hashable {
    public static let name = "concatenate"
    public var axis: Int

    public init(axis: Int) { self.axis = axis }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard let first = operands.first, first.shape.dimensions.indices.contains(axis) else {
            throw ModelError("there is no axis \(axis) to concatenate \(operands) along")
        }
        var dimensions = first.shape.dimensions
        dimensions[axis] = 0
        for operand in operands {
            guard operand.dataType == first.dataType, operand.shape.rank == first.shape.rank,
                operand.shape.replacing(axis: axis, with: 0) == first.shape.replacing(axis: axis, with: 0)
            else { throw ModelError("\(first) and \(operand) cannot be concatenated along axis \(axis)") }
            dimensions[axis] += operand.shape[axis]
        }
        return [TensorType(first.dataType, try Shape(checking: dimensions))]
    }
}

/// A border around a tensor of any type.
public struct PadKernel: Kernel, Hashable {
    /// What stands in the border; for a source `abcd`:
    public enum Mode: Hashable, Sendable {
        /// `··abcd··`: an element with these bits.
        case constant(UInt64)
        /// `aaabcddd`
        case edge
        /// `cbabcdcb`
        case reflect
        /// `baabcddc`
        case symmetric
        /// `cdabcdab`
        case wrap
    }

    public static let name = "pad"
    public var mode: Mode
    /// For each axis, how many elements come before and after the source; not negative.
    public var begin: [Int]
    public var end: [Int]

    public init(_ mode: Mode, begin: [Int], end: [Int]) {
        self.mode = mode
        self.begin = begin
        self.end = end
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        let source = operands[0].shape
        guard begin.count == source.rank, end.count == source.rank,
            (begin + end).allSatisfy({ 0...(1 << 40) ~= $0 })
        else { throw ModelError("pads (\(begin.commaSeparated)), (\(end.commaSeparated)) do not fit \(source)") }
        let dimensions = source.dimensions.indices.map { begin[$0] + source[$0] + end[$0] }
        if case .constant = mode {
        } else if zip(source.dimensions, dimensions).contains(where: { $0 == 0 && $1 > 0 }) {
            throw ModelError("\(source) has no elements to pad with")
        }
        return [TensorType(operands[0].dataType, try Shape(checking: dimensions))]
    }

    /// Which element of the source stands at each place along an axis; −1 where the constant does.
    func sources(axis: Int, extent: Int) -> [Int] {
        (-begin[axis]..<extent + end[axis]).map { index in
            if 0..<extent ~= index { return index }
            switch mode {
            case .constant: return -1
            case .edge: return index < 0 ? 0 : extent - 1
            case .wrap: return index.modulo(extent)
            case .reflect:
                let place = index.modulo(max(2 * (extent - 1), 1))
                return place < extent ? place : 2 * (extent - 1) - place
            case .symmetric:
                let place = index.modulo(2 * extent)
                return place < extent ? place : 2 * extent - 1 - place
            }
        }
    }
}

extension Int {
    /// The remainder that is not negative.
    fileprivate func modulo(_ divisor: Int) -> Int {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
