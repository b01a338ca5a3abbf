import TensorCore

/// Elements of the source in another arrangement: transposed, sliced, reversed, repeated.
///
///     result[i₀, i₁, …] = source[offset + i₀ · strides₀ + i₁ · strides₁ + …]
///
/// The source counts as one row of elements, of any type. A stride of 0 repeats, a negative one reverses.
public struct StridedViewKernel: Kernel, Hashable {
    public static let name = "strided view"
    /// The extents of the result, outermost axis first.
    public var shape: Shape
    /// Steps in elements, one for each axis.
    public var strides: [Int]
    /// The first element that is taken.
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

    /// The axes as they are walked: those that follow each other are one, those of a single element are gone.
    public var mergedAxes: [(extent: Int, stride: Int)] {
        var axes: [(extent: Int, stride: Int)] = []
        for (extent, stride) in zip(shape.dimensions, strides) where extent != 1 {
            if let last = axes.last, last.stride == stride * extent {
                axes[axes.count - 1] = (last.extent * extent, stride)
            } else {
                axes.append((extent, stride))
            }
        }
        return axes
    }

    /// True if no element of the view lies outside of the first `count` elements.
    private func reaches(within count: Int) -> Bool {
        if shape.elementCount == 0 { return true }
        guard 0..<count ~= offset else { return false }
        var (lowest, highest) = (offset, offset)
        for (extent, stride) in zip(shape.dimensions, strides) {
            let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            guard !overflow, reach.magnitude <= count else { return false }
            if reach < 0 { lowest += reach } else { highest += reach }
        }
        return lowest >= 0 && highest < count
    }
}

/// Tensors of one type one after the other along an axis; they agree in all other axes.
public struct ConcatenateKernel: Kernel, Hashable {
    public static let name = "concatenate"
    /// The axis that it works along, counted from the outermost.
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
    /// Where elements that are not there come from.
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

/// One triangle of matrices of any type, with the diagonal that runs `diagonal` columns right of the middle; the rest
/// becomes zeros.
public struct TriangleKernel: Kernel, Hashable {
    public static let name = "triangle"
    /// Keeps what is on and above the diagonal, instead of below.
    public var upper: Bool
    /// Which diagonal: 0 is the main one, 1 the one above it.
    public var diagonal: Int

    public init(upper: Bool, diagonal: Int) {
        self.upper = upper
        self.diagonal = diagonal
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands[0].shape.rank >= 2 else { throw ModelError("\(operands[0].shape) is not a matrix") }
        return [operands[0]]
    }

    /// The columns of a row that stay.
    func columns(ofRow row: Int, count: Int) -> Range<Int> {
        let (sum, overflow) = row.addingReportingOverflow(diagonal)
        let middle = overflow ? count : min(max(sum, -1), count)
        return upper ? max(middle, 0)..<count : 0..<min(middle + 1, count)
    }
}

/// The first `lengths[n]` steps of each sequence from the last to the first. Operands: time × batch × …, and the lengths
/// [batch], whole numbers of any type. Lengths beyond the steps are cut off.
public struct ReverseSequenceKernel: Kernel, Hashable {
    public static let name = "reverse sequence"

    public init() {}

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands[0].shape.rank >= 2, operands[1].shape == [operands[0].shape[1]] else {
            throw ModelError("sequences of \(operands) do not have a length each")
        }
        return [operands[0]]
    }
}

extension Int {
    /// The remainder that is not negative.
    fileprivate func modulo(_ divisor: Int) -> Int {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
