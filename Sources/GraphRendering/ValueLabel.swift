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
    static func lines(for value: Value) -> [String] {
        guard let type = value.type else { return [] }
        // The legend says that nothing else is meant by a line without a type.
        let isPlainFloat = type.dataType == .float32
        let line = [type.shape?.description, isPlainFloat ? nil : type.dataType.description].compactMap { $0 }
        return [line.joined(separator: " "), range(of: type) ?? ""].filter { !$0.isEmpty }
    }

    /// Where the codes of a value lie, if it has any.
    static func range(of type: ValueType) -> String? {
        switch type.quantization {
        case .known(let grid): describe(grid)
        case .foundAtRunTime: type.dataType.isCode ? unknownRange : nil
        case nil: nil
        }
    }

    static func describe(_ grid: QuantizationGrid) -> String {
        if let range = grid.range { return describe(range.min, range.max) }
        let steps = grid.steps.count == 1 ? "step \(short(grid.steps[0]))" : "\(grid.steps.count) steps"
        return "\(steps), zero point \(grid.zeroPoint)"
    }

    static func describe(_ min: Float, _ max: Float) -> String { "[\(short(min)), \(short(max))]" }

    private static let unknownRange = "range found at run time"

    /// What a node says of the range of the codes that it makes; nil if that is not its business.
    static func range(of node: Node) -> String? {
        let isQuantizing = node.op == "Quantize" || node.op == "Requantize"
        return calibratedRange(of: node).map { isQuantizing ? $0 : "calibrated \($0)" } ?? grid(of: node)
            ?? (isQuantizing ? unknownRange : nil)
    }

    /// The step and the zero point of ONNX's QuantizeLinear, if a node has them.
    private static func grid(of node: Node) -> String? {
        guard let step = (try? node.attributes.number("step")) ?? nil else { return nil }
        let zeroPoint = (try? node.attributes.integer("zero_point")) ?? nil
        return describe(QuantizationGrid(steps: [Float(step)], zeroPoint: zeroPoint ?? 0))
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
