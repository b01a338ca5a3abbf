import TensorCore

/// What a sum of products is kept in: Int32 (wrapping) for codes, Double for float32, so that a float result is rounded
/// once.
///
/// Each type has its own loops over bare pointers: the reference shall be bearable in debug builds too.
protocol Accumulator: BitwiseCopyable {
    static var zero: Self { get }

    /// The elements of a source, of weights or of a bias.
    /// - Throws: `ModelError` if they are of a type that is not summed this way.
    static func widening(_ tensor: Tensor, _ role: String) throws -> [Self]

    /// sums[i] += weight · source[i · stride]
    static func add(
        _ weight: Self, times source: UnsafePointer<Self>, stride: Int, to sums: UnsafeMutablePointer<Self>, count: Int)

    /// Σ a[i] · b[i]
    static func dot(_ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, count: Int) -> Self

    static func + (a: Self, b: Self) -> Self

    var asFloat: Float { get }
}

extension Double: Accumulator {
    static var zero: Double { 0 }

    static func widening(_ tensor: Tensor, _ role: String) throws -> [Double] {
        guard tensor.dataType == .float32 else {
            throw ModelError("the \(role) of a float32 product is \(tensor.dataType)")
        }
        return tensor.withElements(as: Float.self) { $0.map(Double.init) }
    }

    static func add(
        _ weight: Double, times source: UnsafePointer<Double>, stride: Int, to sums: UnsafeMutablePointer<Double>,
        count: Int
    ) {
        var index = 0
        while index < count {
            sums[index] += weight * source[index &* stride]
            index &+= 1
        }
    }

    static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, count: Int) -> Double {
        var sum = 0.0
        var index = 0
        while index < count {
            sum += a[index] * b[index]
            index &+= 1
        }
        return sum
    }

    var asFloat: Float { Float(self) }
}

/// An int32 sum of products of codes; sums wrap around, as they do in the vector units that oneDNN uses.
struct WrappingInt32: Accumulator {
    var value: Int32

    static var zero: WrappingInt32 { WrappingInt32(value: 0) }

    static func widening(_ tensor: Tensor, _ role: String) throws -> [WrappingInt32] {
        switch tensor.dataType {
        case .int8: tensor.withElements(as: Int8.self) { $0.map { WrappingInt32(value: Int32($0)) } }
        case .uint8: tensor.withElements(as: UInt8.self) { $0.map { WrappingInt32(value: Int32($0)) } }
        case .int32: tensor.withElements(as: Int32.self) { $0.map { WrappingInt32(value: $0) } }
        default: throw ModelError("the \(role) of an integer product is \(tensor.dataType)")
        }
    }

    static func add(
        _ weight: WrappingInt32, times source: UnsafePointer<WrappingInt32>, stride: Int,
        to sums: UnsafeMutablePointer<WrappingInt32>, count: Int
    ) {
        var index = 0
        while index < count {
            sums[index].value = sums[index].value &+ weight.value &* source[index &* stride].value
            index &+= 1
        }
    }

    static func dot(
        _ a: UnsafePointer<WrappingInt32>, _ b: UnsafePointer<WrappingInt32>, count: Int
    ) -> WrappingInt32 {
        var sum: Int32 = 0
        var index = 0
        while index < count {
            sum = sum &+ a[index].value &* b[index].value
            index &+= 1
        }
        return WrappingInt32(value: sum)
    }

    static func + (a: WrappingInt32, b: WrappingInt32) -> WrappingInt32 { WrappingInt32(value: a.value &+ b.value) }

    var asFloat: Float { Float(value) }
}
