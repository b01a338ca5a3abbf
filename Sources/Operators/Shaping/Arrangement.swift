import Kernels
import TensorCore

/// How a result is made of the elements of a source, without computing any: a chain of moves.
///
/// ONNX has an operator for each move. A kernel takes all moves up to the next one that has to see its source row by
/// row: transpositions, slices and repetitions of one another are still a view with strides.
struct Arrangement {
    enum Move: Hashable {
        /// The same elements in the same order under another shape.
        case reshape(Shape)
        /// Axis i of the result is axis `axes[i]` of the source.
        case transpose([Int])
        /// A slice along each axis.
        case slice([AxisSlice])
        /// Axes of one element repeat it.
        case expand(Shape)
        /// A border.
        case pad(Border, begin: [Int], end: [Int])
    }

    /// What stands in a border; see `PadKernel.Mode`.
    enum Border: Hashable {
        case constant(Double)
        case edge, reflect, symmetric, wrap
    }

    /// The shape of the result so far.
    private(set) var shape: Shape
    let source: Shape
    private(set) var moves: [Move] = []

    init(_ source: Shape) {
        self.source = source
        shape = source
    }

    // MARK: Moves

    /// - Throws: `ModelError` if the shape has another number of elements.
    mutating func reshape(_ dimensions: [Int]) throws {
        let target = try Shape(checking: dimensions)
        guard target.elementCount == shape.elementCount else {
            throw ModelError("\(shape) cannot become \(target): they have not as many elements")
        }
        append(.reshape(target), target)
    }

    /// - Throws: `ModelError` if `axes` does not name every axis once.
    mutating func transpose(_ axes: [Int]) throws {
        guard axes.sorted() == Array(0..<shape.rank) else {
            throw ModelError("(\(axes.commaSeparated)) does not name each axis of \(shape) once")
        }
        append(.transpose(axes), Shape(axes.map { shape[$0] }))
    }

    /// Slices of some axes; the others stay whole.
    mutating func slice(_ slices: [Int: AxisSlice]) {
        let all = shape.dimensions.indices.map { slices[$0] ?? AxisSlice(start: 0, count: shape[$0]) }
        append(.slice(all), Shape(all.map(\.count)))
    }

    /// - Throws: `ModelError` if an axis of more than one element would have to change.
    mutating func expand(to dimensions: [Int]) throws {
        let target = try Shape(checking: dimensions)
        guard target.rank == shape.rank,
            zip(shape.dimensions, target.dimensions).allSatisfy({ $0 == $1 || $0 == 1 })
        else { throw ModelError("\(shape) cannot be broadcast to \(target)") }
        append(.expand(target), target)
    }

    /// - Throws: `ModelError` if the pads are negative, or if there is nothing to fill the border with.
    mutating func pad(_ border: Border, begin: [Int], end: [Int]) throws {
        let kernel = PadKernel(border.mode { _ in 0 }, begin: begin, end: end)
        let target = try kernel.resultTypes([TensorType(.uint8, shape)])[0].shape
        append(.pad(border, begin: begin, end: end), target)
    }

    private mutating func append(_ move: Move, _ result: Shape) {
        moves.append(move)
        shape = result
    }

    // MARK: Kernels

    /// The kernels that make the moves, one after the other; at least one.
    /// - Parameter fill: the bits of an element that is a number.
    func kernels(fill: (Double) -> UInt64) -> [any Kernel] {
        var kernels: [any Kernel] = []
        // What has been made so far, and how the moves since then see it.
        var base = source
        var view = StridedViewKernel(rowMajor: source)
        func make() {
            guard !view.isAllOf(base) || view.shape != base else { return }
            kernels.append(view.isAllOf(base) ? ReshapeKernel(view.shape) as any Kernel : view)
            base = view.shape
        }
        for move in moves {
            switch move {
            case .reshape(let shape):
                if !view.isAllOf(base) { make() }
                view = StridedViewKernel(rowMajor: shape)
            case .transpose(let axes):
                view.strides = axes.map { view.strides[$0] }
                view.shape = Shape(axes.map { view.shape[$0] })
            case .slice(let slices):
                for (axis, slice) in slices.enumerated() where slice.count > 0 {
                    view.offset += slice.start * view.strides[axis]
                    view.strides[axis] *= slice.step
                }
                view.shape = Shape(slices.map(\.count))
            case .expand(let shape):
                for axis in shape.dimensions.indices where view.shape[axis] != shape[axis] { view.strides[axis] = 0 }
                view.shape = shape
            case .pad(let border, let begin, let end):
                make()
                kernels.append(PadKernel(border.mode(fill), begin: begin, end: end))
                base = Shape(base.dimensions.indices.map { begin[$0] + base[$0] + end[$0] })
                view = StridedViewKernel(rowMajor: base)
            }
        }
        make()
        return kernels.isEmpty ? [ReshapeKernel(shape)] : kernels
    }
}

/// Every `step`-th element from `start` on, `count` of them, along an axis.
struct AxisSlice: Hashable {
    var start: Int
    var count: Int
    var step = 1

    init(start: Int, count: Int, step: Int = 1) {
        self.start = start
        self.count = count
        // A step that is never made may be larger than any axis.
        self.step = count > 1 ? step : 1
    }

    /// As Python slices: negative places count from the end, nil is the end that the step comes from or goes to, and what
    /// lies outside is cut off.
    /// - Throws: `ModelError` for a step of 0.
    init(from begin: Int?, to end: Int?, step: Int = 1, extent: Int) throws {
        guard step != 0 else { throw ModelError("a slice has step 0") }
        let limits = step > 0 ? 0...extent : -1...max(extent - 1, -1)
        func place(_ index: Int) -> Int {
            let index = index < 0 ? index + extent : index
            return min(max(index, limits.lowerBound), limits.upperBound)
        }
        let first = begin.map(place) ?? (step > 0 ? 0 : limits.upperBound)
        let last = end.map(place) ?? (step > 0 ? extent : -1)
        let distance = step > 0 ? last - first : first - last
        let count = distance <= 0 ? 0 : (distance - 1) / Int(clamping: step.magnitude) + 1
        self.init(start: count == 0 ? 0 : first, count: count, step: step)
    }
}

extension Arrangement.Border {
    func mode(_ fill: (Double) -> UInt64) -> PadKernel.Mode {
        switch self {
        case .constant(let value): .constant(fill(value))
        case .edge: .edge
        case .reflect: .reflect
        case .symmetric: .symmetric
        case .wrap: .wrap
        }
    }
}

extension StridedViewKernel {
    fileprivate init(rowMajor shape: Shape) { self.init(shape: shape, strides: shape.strides) }

    /// True if the view is the row-major order of all elements of `base`.
    fileprivate func isAllOf(_ base: Shape) -> Bool {
        guard offset == 0, shape.elementCount == base.elementCount else { return false }
        return shape.elementCount == 0
            || zip(shape.dimensions, zip(strides, shape.strides)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
    }
}

extension Shape {
    /// The axis that an attribute names; −1 is the last one.
    /// - Throws: `ModelError` if there is none.
    func axis(_ axis: Int, _ attribute: String = "axis") throws -> Int {
        guard let index = normalized(axis: axis) else {
            throw ModelError("\(attribute)=\(axis) is not an axis of \(self)")
        }
        return index
    }

    /// The axes that an attribute names.
    /// - Throws: `ModelError` if one does not exist or is named twice.
    func axes(_ axes: [Int], _ attribute: String = "axis") throws -> [Int] {
        let indices = try axes.map { try axis($0, attribute) }
        guard Set(indices).count == indices.count else {
            throw ModelError("\(attribute)=(\(axes.commaSeparated)) names an axis of \(self) twice")
        }
        return indices
    }
}
