import TensorCore

/// Reads a N×C×spatial… source at the places that a grid names: x, y, … in −1…1 over the last, the last but one … axis.
/// float32.
///
/// The grid is N×spatial'…×axes, or N×axes×spatial'… if `gridIsChannelsFirst`; the result is N×C×spatial'….
public struct GridSampleKernel: Kernel, Hashable {
    /// How it looks between elements.
    public enum Mode: String, Sendable, CaseIterable { case nearest, linear, cubic }

    /// What lies outside of the source.
    public enum Padding: String, Sendable, CaseIterable { case zeros, border, reflection }

    public static let name = "grid sample"
    /// How it looks between elements.
    public var mode: Mode
    /// What is beyond the borders.
    public var padding: Padding
    /// −1 and 1 are the centres of the outermost elements, not their outer edges.
    public var alignsCorners: Bool
    /// The grid has its two coordinates in axis 1, as in MXNet, instead of in the last, as in ONNX.
    public var gridIsChannelsFirst: Bool

    public init(
        mode: Mode = .linear, padding: Padding = .zeros, alignsCorners: Bool, gridIsChannelsFirst: Bool = false
    ) {
        self.mode = mode
        self.padding = padding
        self.alignsCorners = alignsCorners
        self.gridIsChannelsFirst = gridIsChannelsFirst
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard operands.count == 2, operands.allSatisfy({ $0.dataType == .float32 }) else {
            throw ModelError("a grid sample got \(operands)")
        }
        let source = operands[0].shape, grid = operands[1].shape
        let axes = source.rank - 2
        guard 1...3 ~= axes, grid.rank == source.rank, grid[0] == source[0],
            grid[gridIsChannelsFirst ? 1 : grid.rank - 1] == axes
        else { throw ModelError("a grid of \(grid) does not fit data of \(source)") }
        let extents = gridIsChannelsFirst ? grid.dimensions.dropFirst(2) : grid.dimensions.dropFirst().dropLast()
        return [TensorType(.float32, try Shape(checking: [source[0], source[1]] + extents))]
    }
}
