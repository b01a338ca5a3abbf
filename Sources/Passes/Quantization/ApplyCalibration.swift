import GraphIR
import Operators
import TensorCore

/// Writes calibrated ranges on Quantize and Requantize nodes, as six decimals of text like MXNet's
/// MXSetCalibTableToQuantizedSymbol.
public struct ApplyCalibration: Pass {
    public let name = "ApplyCalibration"
    public let summary = "writes the calibrated ranges on quantize and requantize"
    private let ranges: [String: ValueRange]

    /// - Parameter ranges: by the name of the float value, `conv0_output`.
    public init(_ ranges: [String: ValueRange]) { self.ranges = ranges }

    public func run(_ context: inout PassContext) throws {
        for id in context.graph.topologicalOrder() {
            let node = context.graph[id]
            guard let value = CalibrationPoints.floatValue(of: node, in: context.graph) else { continue }
            guard let range = ranges[value] else {
                context.refuse(node.name, because: "no range was found for '\(value)'; it is found at run time")
                continue
            }
            guard range.magnitude.isFinite else {
                context.refuse(node.name, because: "the range of '\(value)' is not finite; it is found at run time")
                continue
            }
            var patch = GraphPatch(for: context.graph, "\(value): [\(range.min), \(range.max)]")
            patch.update(id) { node in
                node.attributes[CalibratedRange.minimum] = .text(sixDecimals(range.min))
                node.attributes[CalibratedRange.maximum] = .text(sixDecimals(range.max))
            }
            try context.apply(patch, to: node.name)
        }
    }
}

/// Which float values have to be calibrated for a quantized graph.
public enum CalibrationPoints {
    /// The names of the float values whose ranges a quantized graph needs, in the order of computation.
    public static func names(for quantized: Graph) -> [String] {
        quantized.topologicalOrder().compactMap { floatValue(of: quantized[$0], in: quantized) }
    }

    /// The names that values had in the float model, as far as nodes of a quantized graph stand for them.
    public static func floatValues(of quantized: Graph) -> [String] {
        quantized.nodes.map { QuantizedNames.floatValue(of: $0.name) }
    }

    static func floatValue(of node: Node, in graph: Graph) -> String? {
        switch node.op {
        case "Quantize", "QuantizeAsymmetric": return node.inputs[0].map { graph[$0].name }
        case "Requantize": return QuantizedNames.floatValue(of: node.name)
        default:
            // A twin that has a grid of its own; its float brother has not.
            guard case .quantized(let twin) = OperatorTable.standard[node.op]?.quantization,
                twin.result == .calibratedCodes, node.name.hasPrefix(QuantizedNames.node(""))
            else { return nil }
            return QuantizedNames.floatValue(of: node.name)
        }
    }
}
