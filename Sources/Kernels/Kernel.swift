import TensorCore

/// One computation on tensors of known types, as the executors see it: no names, no graph, no quantization grids, only
/// codes and the factors between them.
///
/// A kernel computes its results in plain Swift. That is the meaning of the kernel; an executor such as oneDNN's may
/// recognise the type and do the same faster.
public protocol Kernel: Sendable {
    /// What it is called in listings: `convolution`.
    static var name: String { get }

    /// The types of the results for operands of these types.
    /// - Throws: `ModelError` if the operands do not fit each other.
    func resultTypes(_ operands: [TensorType]) throws -> [TensorType]

    /// The results, computed one after the other by plain loops.
    /// - Throws: `ModelError` for what can only be seen in the elements.
    func evaluate(_ operands: [Tensor]) throws -> [Tensor]
}

/// Rounds half to even and saturates, as oneDNN and MXNet do, to the limits of an 8- or 32-bit type.
@inline(__always)
func saturated<Code: FixedWidthInteger>(_ value: Float, as type: Code.Type) -> Code {
    let rounded = value.rounded(.toNearestOrEven)
    if rounded.isNaN { return 0 }
    if rounded >= Float(Code.max) { return Code.max }
    if rounded <= Float(Code.min) { return Code.min }
    return Code(rounded)
}
