import GraphIR
import ONNXFormat
import TensorCore

/// Axes of one element repeated (src/operator/tensor/broadcast_reduce_op_value.cc, src/operator/numpy/np_broadcast_reduce_op_value.cc).
struct Broadcast: ArrangingOperator {
    enum Kind {
        /// `shape`, where 0 keeps an axis.
        case toShape
        /// `size` along `axis`.
        case alongAxes
        /// The shape of a second input, or some of its axes.
        case like
        /// `shape`, with more axes in front.
        case numPy
        /// The same, where an axis of 1 in `shape` keeps that of the source.
        case bothWays
    }

    let name: String
    let kind: Kind
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        Broadcast(
            name: "broadcast_to", kind: .toShape, summary: "axes of one element repeated up to a shape",
            mxnet: MXNetForm("broadcast_to")),
        Broadcast(
            name: "broadcast_axis", kind: .alongAxes, summary: "axes of one element repeated",
            mxnet: MXNetForm("broadcast_axis", "broadcast_axes")),
        Broadcast(
            name: "broadcast_like", kind: .like, summary: "axes of one element repeated as in another tensor",
            mxnet: MXNetForm("broadcast_like")),
        Broadcast(
            name: "_npi_broadcast_to", kind: .numPy, summary: "repeated up to a shape, with more axes in front",
            mxnet: MXNetForm("_npi_broadcast_to")),
        Broadcast(
            name: "Expand", kind: .bothWays, summary: "broadcast together with a shape", mxnet: nil),
    ]

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { kind == .like ? 2...2 : 1...1 }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let target = try target(node, source)
        var arrangement = Arrangement(source)
        if target.count > source.rank {
            try arrangement.reshape([Int](repeating: 1, count: target.count - source.rank) + source.dimensions)
        }
        try arrangement.expand(to: target)
        return [arrangement]
    }

    func attribute(_ name: String, forAnyBatch extents: [BatchExtent], of source: [BatchExtent]?) -> Attribute? {
        guard kind == .toShape, name == "shape", let source, source.count == extents.count else { return nil }
        let numbers = zip(extents, source).compactMap { $0 == $1 ? 0 : $0.dependsOnBatch ? nil : $0.offset }
        return numbers.count == extents.count ? .integers(numbers) : nil
    }

    private func target(_ node: NodeReader, _ source: Shape) throws -> [Int] {
        var target = source.dimensions
        switch kind {
        case .toShape:
            let shape = try node.attributes.extents("shape") ?? []
            guard shape.count == source.rank else {
                throw ModelError("shape=(\(shape.commaSeparated)) has not the axes of \(source)")
            }
            return zip(shape, source.dimensions).map { $0 == 0 ? $1 : $0 }
        case .alongAxes:
            let axes = try source.axes(node.attributes.integers("axis") ?? [])
            let sizes = try node.attributes.extents("size") ?? []
            guard axes.count == sizes.count else { throw ModelError("axis and size are not as many") }
            for (axis, size) in zip(axes, sizes) { target[axis] = size }
        case .like:
            let like = try node.shape(1)
            guard let own = try node.attributes.integers("lhs_axes"),
                let other = try node.attributes.integers("rhs_axes")
            else { return like.dimensions }
            guard own.count == other.count else { throw ModelError("lhs_axes and rhs_axes are not as many") }
            for (axis, taken) in zip(try source.axes(own, "lhs_axes"), try like.axes(other, "rhs_axes")) {
                target[axis] = like[taken]
            }
        case .numPy:
            let shape = try node.attributes.extents("shape") ?? []
            guard shape.count >= source.rank else { throw ModelError("\(source) has more axes than shape") }
            return shape
        case .bothWays:
            let shape = try node.attributes.extents("shape") ?? []
            let extra = max(shape.count - source.rank, 0)
            let own = [Int](repeating: 1, count: extra) + source.dimensions
            let other = [Int](repeating: 1, count: own.count - shape.count) + shape
            return zip(own, other).map { $1 == 1 ? $0 : $1 }
        }
        return target
    }

    // MARK: ONNX

    var onnx: ONNXForm {
        guard kind == .bothWays else { return .mapped(ONNXMapping(write: writeMoves)) }
        return .mapped(
            ONNXMapping(
                "Expand",
                write: { node, writing in
                    let shape = try node.attributes.extents("shape") ?? []
                    writing.emit(
                        "Expand", node, inputs: [try writing.name(node, 0), writing.integers("shape", shape, node)])
                },
                read: { reading in
                    guard let shape = try reading.integers("shape", orInput: 1) else {
                        throw ModelError("shape is missing")
                    }
                    // With as many axes it is MXNet's, which has 0 for an axis that stays.
                    let isMXNets = reading.shape(0)?.rank == shape.count && !shape.contains(0)
                    reading.define(
                        isMXNets ? "broadcast_to" : "Expand",
                        ["shape": .integers(isMXNets ? shape.map { $0 == 1 ? 0 : $0 } : shape)],
                        inputs: [reading.inputs.first ?? nil])
                }))
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
        func likeExample(_ title: String, _ like: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[1, 3, 1] = input
                %like: float32[\(like)] = input
                %wide_output = broadcast_like(%data, %like)\(attributes)
                return %wide_output
                """)
        }
        return switch kind {
        case .toShape: [example("two axes, one stays", "1, 3, 1", "shape=\"(4, 0, 5)\"")]
        case .alongAxes: [example("two axes", "1, 3, 1", "axis=\"(0, 2)\", size=\"(2, 4)\"")]
        case .like:
            [
                likeExample("all axes", "2, 3, 5", ""),
                likeExample("some axes", "2, 5", " {lhs_axes=\"(0, 2)\", rhs_axes=\"(0, -1)\"}"),
            ]
        case .numPy: [example("an axis in front", "3, 1", "shape=\"(2, 3, 4)\"")]
        case .bothWays: [example("a shape with fewer axes", "2, 1, 3", "shape=\"(4, 1)\"")]
        }
    }
}
