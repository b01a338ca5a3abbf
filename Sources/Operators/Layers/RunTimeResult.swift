import GraphIR
import Kernels
import TensorCore

extension Lowering {
    /// Defines the result of a layer whose data has a range that each run finds. Where only that is not calibrated, the layer
    /// still ends in what its own attributes say: float, or codes of a calibrated range.
    /// - Parameters:
    ///   - sums: int32, read with `range`.
    ///   - result: the codes that the layer ends in; nil for the sums themselves.
    mutating func defineRunTimeResult(
        _ node: NodeReader, sums: BufferID, range: BufferID, endsInFloat: Bool,
        result: (dataType: DataType, grid: QuantizationGrid)?
    ) throws {
        guard endsInFloat || result != nil else {
            define(node, LoweredValue(sums, codes: .rangeBuffer(range)))
            return
        }
        let float = try add(RunTimeDequantizeKernel(), [sums, range], node)
        guard !endsInFloat, let (dataType, grid) = result else {
            define(node, LoweredValue(float))
            return
        }
        let factor = grid.codesPerUnit(dataType)
        let codes = try add(
            QuantizeKernel(factor: factor, zeroPoint: grid.zeroPoint, outputType: dataType), [float], node)
        define(node, LoweredValue(codes, codes: .grid(codesPerUnit: factor, zeroPoint: grid.zeroPoint)))
    }
}
