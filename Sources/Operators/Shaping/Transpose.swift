import GraphIR
import ONNXFormat
import TensorCore

/// Axes in another order (src/operator/tensor/matrix_op.cc, src/operator/swapaxis.cc).
struct Transpose: ArrangingOperator {
    enum Kind { case transpose, swap, move }

    let name: String
    let kind: Kind
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        Transpose(
            name: "transpose", kind: .transpose, summary: "axes in another order, or reversed",
            mxnet: MXNetForm("transpose")),
        Transpose(
            name: "_np_transpose", kind: .transpose, summary: "axes in another order, or reversed",
            mxnet: MXNetForm("_np_transpose")),
        Transpose(
            name: "SwapAxis", kind: .swap, summary: "two axes exchanged",
            mxnet: MXNetForm("SwapAxis", "swapaxes", "_npi_swapaxes")),
        Transpose(
            name: "_np_moveaxis", kind: .move, summary: "some axes at other places",
            mxnet: MXNetForm("_np_moveaxis")),
    ]

    var onnx: ONNXForm {
        guard name == "transpose" else { return .mapped(ONNXMapping(write: writeMoves)) }
        return .mapped(
            ONNXMapping(
                "Transpose",
                write: { node, writing in
                    let axes = try node.attributes.integers("axes") ?? []
                    writing.emit(
                        "Transpose", node, inputs: [try writing.name(node, 0)],
                        attributes: axes.isEmpty ? [] : [ONNXAttribute("perm", .ints(axes))])
                },
                read: { reading in
                    let axes = try reading.integers("perm")
                    reading.define("transpose", axes.map { ["axes": .integers($0)] } ?? [:])
                }))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        var arrangement = Arrangement(source)
        try arrangement.transpose(try axes(node.attributes, source))
        return [arrangement]
    }

    private func axes(_ attributes: Attributes, _ source: Shape) throws -> [Int] {
        let order = Array(source.dimensions.indices)
        switch kind {
        case .transpose:
            let axes = try attributes.integers("axes") ?? []
            return axes.isEmpty ? order.reversed() : try source.axes(axes, "axes")
        case .swap:
            let first = try source.axis(attributes.integer("dim1") ?? 0, "dim1")
            let second = try source.axis(attributes.integer("dim2") ?? 0, "dim2")
            var axes = order
            axes.swapAt(first, second)
            return axes
        case .move:
            let from = try source.axes(attributes.integers("source") ?? [], "source")
            let to = try source.axes(attributes.integers("destination") ?? [], "destination")
            guard from.count == to.count else { throw ModelError("source and destination are not as many axes") }
            var axes = order.filter { !from.contains($0) }
            for (place, axis) in zip(to, from).sorted(by: { $0.0 < $1.0 }) { axes.insert(axis, at: place) }
            return axes
        }
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[2, 3, 4, 5] = input
                %turned_output = \(name)(%data)\(attributes)
                return %turned_output
                """)
        }
        return switch kind {
        case .transpose: [example("channels last", " {axes=\"(0, 2, 3, 1)\"}"), example("reversed", "")]
        case .swap: [example("two axes", " {dim1=\"1\", dim2=\"3\"}")]
        case .move: [example("two axes", " {destination=\"(-1, 0)\", source=\"(0, 2)\"}")]
        }
    }
}
