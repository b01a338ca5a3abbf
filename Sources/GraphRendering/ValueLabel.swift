import Foundation
import GraphIR
import TensorCore

/// How values and ranges are written in a drawing.
enum ValueLabel {
    /// The kind of path that a value takes; a value of unknown type counts as floating point, as MXNet's do.
    static func kind(of value: Value) -> PathKind {
        guard let type = value.type?.dataType else { return .float }
        switch type {
        case .int8: return .int8
        case .uint8: return .uint8
        case .int32: return value.type?.isQuantized == true ? .int32 : .other
        default: return type.isFloatingPoint ? .float : .other
        }
    }

    /// `1×64×56×56 int8` and, if the codes have a grid, `[−2.03, 1.93]`.
    static func lines(for value: Value, showingRange: Bool) -> [String] {
        guard let type = value.type else { return [] }
        let isPlainFloat = type.dataType == .float32
        var lines = [[type.shape?.description, isPlainFloat ? nil : type.dataType.description].compactMap { $0 }
            .joined(separator: " ")].filter { !$0.isEmpty }
        guard showingRange else { return lines }
        switch type.quantization {
        case .known(let grid): lines.append(describe(grid))
        case .foundAtRunTime where type.dataType.isCode: lines.append(unknownRange)
        default: break
        }
        return lines
    }

    static func describe(_ grid: QuantizationGrid) -> String {
        if let range = grid.range { return describe(range.min, range.max) }
        let zero = grid.zeroPoint == 0 ? "" : ", zero point \(grid.zeroPoint)"
        return (grid.steps.count == 1 ? "step \(short(grid.steps[0]))" : "\(grid.steps.count) steps") + zero
    }

    static func describe(_ min: Float, _ max: Float) -> String { "[\(short(min)), \(short(max))]" }

    private static let unknownRange = "range found at run time"

    /// What a node says of the range of the codes that it makes; nil if that is not its business.
    static func range(of node: Node) -> String? {
        let isQuantizing = node.op == "Quantize" || node.op == "Requantize"
        return calibratedRange(of: node).map { isQuantizing ? $0 : "calibrated \($0)" }
            ?? (isQuantizing ? unknownRange : nil)
    }

    /// The range that a calibration wrote into a node's attributes, if it did.
    static func calibratedRange(of node: Node) -> String? {
        guard let min = (try? node.attributes.number("min_calib_range")) ?? nil,
            let max = (try? node.attributes.number("max_calib_range")) ?? nil
        else { return nil }
        return describe(Float(min), Float(max))
    }

    /// Four digits: enough to recognize a range, few enough to read. A true minus sign, as in print.
    private static func short(_ value: Float) -> String {
        String(format: "%.4g", value == 0 ? 0 : Double(value)).replacingOccurrences(of: "-", with: "−")
    }
}
