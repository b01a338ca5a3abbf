import TensorCore

/// What the numbers of a reshape mean. They are read from left to right and use up the axes of the source as they go.
///
/// MXNet's Reshape (src/operator/tensor/matrix_op-inl.h, InferReshapeShape) and its NumPy extension `_npx_reshape`
/// (src/operator/numpy/np_matrix_op.cc, NumpyXReshapeInferShape) have the same codes under other numbers:
///
///     copy an axis   infer   copy the rest   merge two   split in two   drop an axis of 1
///     0              −1      −2              −3          −4 a b
///     −2             −1      −4              −5          −6 a b         −3
enum ReshapeCode: Hashable {
    case extent(Int)
    case copy
    case infer
    case copyRest
    case merge
    /// −1 stands for what the other one leaves.
    case split(Int, Int)
    case dropOne

    static func mxnet(_ numbers: [Int]) throws -> [ReshapeCode] {
        try parse(numbers, [0: .copy, -1: .infer, -2: .copyRest, -3: .merge], split: -4)
    }

    static func extendedNumPy(_ numbers: [Int]) throws -> [ReshapeCode] {
        try parse(numbers, [-1: .infer, -2: .copy, -3: .dropOne, -4: .copyRest, -5: .merge], split: -6)
    }

    static func numPy(_ numbers: [Int]) throws -> [ReshapeCode] { try parse(numbers, [-1: .infer], split: nil) }

    private static func parse(_ numbers: [Int], _ codes: [Int: ReshapeCode], split: Int?) throws -> [ReshapeCode] {
        var result: [ReshapeCode] = []
        var rest = numbers[...]
        while let number = rest.popFirst() {
            if let code = codes[number] {
                result.append(code)
            } else if number == split {
                guard let a = rest.popFirst(), let b = rest.popFirst() else {
                    throw ModelError(
                        "shape=(\(numbers.commaSeparated)) ends within a \(number), which needs two numbers")
                }
                result.append(.split(a, b))
            } else if number >= 0 {
                result.append(.extent(number))
            } else {
                throw ModelError("shape=(\(numbers.commaSeparated)) has a \(number), which has no meaning")
            }
        }
        return result
    }

    /// The shape that the codes give a source of this shape.
    /// - Throws: `ModelError` if the source has not enough axes, or axes that do not fit.
    static func resolve(_ codes: [ReshapeCode], _ source: Shape) throws -> [Int] {
        var rest = source.dimensions[...]
        var result: [Int] = []
        var inferred: Int?
        func next() throws -> Int {
            guard let extent = rest.popFirst() else {
                throw ModelError("the shape asks for more axes than \(source) has")
            }
            return extent
        }
        for code in codes {
            switch code {
            case .extent(let extent):
                result.append(extent)
                _ = rest.popFirst()
            case .copy: result.append(try next())
            case .infer:
                guard inferred == nil else { throw ModelError("the shape leaves more than one axis open") }
                inferred = result.count
                result.append(1)
                _ = rest.popFirst()
            case .copyRest:
                result += rest
                rest = []
            case .merge: result.append(try next() * next())
            case .split(let a, let b): result += try split(next(), a, b)
            case .dropOne:
                guard try next() == 1 else {
                    throw ModelError("an axis of \(source) that shall go has not the extent 1")
                }
            }
        }
        if let inferred {
            let known = try Shape(checking: result).elementCount
            guard known > 0, source.elementCount % known == 0 else {
                throw ModelError("\(source) does not fill a shape of \(known) elements times something")
            }
            result[inferred] = source.elementCount / known
        }
        return result
    }

    private static func split(_ extent: Int, _ a: Int, _ b: Int) throws -> [Int] {
        let known = max(a, b)
        let isWhole = a == -1 || b == -1 ? known > 0 && extent % known == 0 : a > 0 && b > 0
        let (first, second) =
            a == -1 && isWhole ? (extent / known, b) : b == -1 && isWhole ? (a, extent / known) : (a, b)
        guard isWhole, first.multipliedReportingOverflow(by: second) == (extent, false) else {
            throw ModelError("an axis of \(extent) cannot be split into \(a) × \(b)")
        }
        return [first, second]
    }
}
