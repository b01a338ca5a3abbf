import GraphIR
import ONNXFormat
import TensorCore

/// A border (src/operator/pad.cc, src/operator/numpy/np_pad_op.cc). `pad_width` has a number before and one after each
/// axis; MXNet's `Pad` takes four or five axes, of which the first two have no border.
struct Pad: ArrangingOperator {
    enum Kind { case maps, numPy, wrapping }

    let name: String
    let kind: Kind
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        Pad(
            name: "Pad", kind: .maps, summary: "a border of a constant, of the edge or of the mirror image",
            mxnet: MXNetForm("Pad", "pad")),
        Pad(name: "_npi_pad", kind: .numPy, summary: "a border around any axes", mxnet: MXNetForm("_npi_pad")),
        Pad(name: "WrapPad", kind: .wrapping, summary: "a border of the opposite side", mxnet: nil),
    ]

    private enum Mode: String, CaseIterable { case constant, edge, reflect, symmetric, wrap }

    var onnx: ONNXForm {
        kind == .maps
            ? .mapped(ONNXMapping("Pad", write: writeMoves, read: Self.read))
            : .mapped(ONNXMapping(write: writeMoves).since(kind == .wrapping ? 19 : 7))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let widths = try node.attributes.extents("pad_width") ?? []
        guard widths.count == 2 * source.rank else {
            throw ModelError("pad_width has \(widths.count) numbers for the axes of \(source)")
        }
        let border: Arrangement.Border =
            switch try node.attributes.choice("mode", default: kind == .wrapping ? Mode.wrap : .constant) {
            case .constant: .constant(try node.attributes.number("constant_value") ?? 0)
            case .edge: .edge
            case .reflect: .reflect
            case .symmetric: .symmetric
            case .wrap: .wrap
            }
        if let type = node.attributes.text("reflect_type"), type != "even" {
            throw ModelError("reflect_type=\(type) is not supported")
        }
        let axes = source.dimensions.indices
        var arrangement = Arrangement(source)
        try arrangement.pad(border, begin: axes.map { widths[2 * $0] }, end: axes.map { widths[2 * $0 + 1] })
        return [arrangement]
    }

    /// Negative pads cut: they become a slice before the border.
    @Sendable private static func read(_ reading: inout ONNXReading) throws {
        guard var pads = try reading.integers("pads", orInput: 1) else { throw ModelError("pads is missing") }
        if var axes = try reading.integers("axes", orInput: 3) {
            let rank = try reading.rank(0, for: "axes")
            axes = axes.map { $0 < 0 ? $0 + rank : $0 }
            guard pads.count == 2 * axes.count, axes.allSatisfy({ 0..<rank ~= $0 }) else {
                throw ModelError("pads and axes do not fit")
            }
            var all = [Int](repeating: 0, count: 2 * rank)
            for (index, axis) in axes.enumerated() {
                all[axis] = pads[index]
                all[axis + rank] = pads[index + axes.count]
            }
            pads = all
        }
        let rank = pads.count / 2
        guard pads.count == 2 * rank, rank > 0, pads.allSatisfy({ -(1 << 30)...(1 << 30) ~= $0 }) else {
            throw ModelError("pads (\(pads.commaSeparated)) are out of range, or not two for each axis")
        }
        var source = reading.inputs.first ?? nil
        if pads.contains(where: { $0 < 0 }) {
            func tuple(_ pads: ArraySlice<Int>, sign: Int) -> Attribute {
                .text("(\(pads.map { $0 < 0 ? String(sign * $0) : "None" }.joined(separator: ", ")),)")
            }
            source = reading.add(
                "slice", ["begin": tuple(pads[..<rank], sign: -1), "end": tuple(pads[rank...], sign: 1)],
                inputs: [source], suffix: "_cut")
            pads = pads.map { max($0, 0) }
        }
        let mode = reading.text("mode") ?? "constant"
        let isMXNets = 4...5 ~= rank && pads[0] == 0 && pads[1] == 0 && pads[rank] == 0 && pads[rank + 1] == 0
        let widths = (0..<rank).flatMap { [pads[$0], pads[$0 + rank]] }
        var attributes: Attributes = ["mode": .text(mode), "pad_width": .integers(widths)]
        if mode == "constant", let value = try reading.number("value", orInput: 2) {
            attributes["constant_value"] = .number(value)
        }
        if mode == "wrap" { return reading.define("WrapPad", attributes, inputs: [source]) }
        if isMXNets { return reading.define("Pad", attributes, inputs: [source]) }
        let pairs = (0..<rank).map { "(\(widths[2 * $0]), \(widths[2 * $0 + 1]))" }
        attributes["pad_width"] = .text("(\(pairs.joined(separator: ", "))\(rank == 1 ? "," : ""))")
        reading.define("_npi_pad", attributes, inputs: [source])
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ source: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[\(source)] = input
                %wide_output = \(name)(%data) {\(attributes)}
                return %wide_output
                """)
        }
        let widths = "pad_width=\"(0, 0, 0, 0, 1, 2, 3, 0)\""
        let few = "pad_width=\"((1, 0), (2, 1))\""
        return switch kind {
        case .maps:
            [
                example("a constant", "1, 2, 4, 5", "constant_value=\"0.5\", mode=\"constant\", \(widths)"),
                example("the edge", "1, 2, 4, 5", "mode=\"edge\", \(widths)"),
                example("the mirror image", "1, 2, 4, 5", "mode=\"reflect\", \(widths)"),
                example(
                    "three axes of a map", "1, 2, 2, 3, 3",
                    "constant_value=\"0\", mode=\"constant\", pad_width=\"(0, 0, 0, 0, 0, 1, 1, 0, 2, 2)\""),
            ]
        case .numPy:
            [
                example("rows and columns", "3, 4", "constant_value=\"2\", mode=\"constant\", \(few)"),
                example("the mirror image", "3, 4", "mode=\"reflect\", \(few)"),
            ]
        case .wrapping: [example("rows and columns", "3, 4", "mode=\"wrap\", \(few)")]
        }
    }
}
