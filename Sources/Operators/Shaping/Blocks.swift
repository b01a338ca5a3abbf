import GraphIR
import ONNXFormat
import TensorCore

/// Channels to blocks of pixels and back (src/operator/tensor/matrix_op.cc). With blocks of b × b:
///
///     depth to space:  N×(b·b·C)×H×W → N×b×b×C×H×W → N×C×H×b×W×b → N×C×(H·b)×(W·b)
///     space to depth:  N×C×(H·b)×(W·b) → N×C×H×b×W×b → N×b×b×C×H×W → N×(b·b·C)×H×W
struct DepthSpace: ArrangingOperator {
    enum Direction { case toSpace, toDepth }

    let name: String
    let direction: Direction
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        DepthSpace(
            name: "depth_to_space", direction: .toSpace, summary: "channels to blocks of pixels",
            mxnet: MXNetForm("depth_to_space")),
        DepthSpace(
            name: "space_to_depth", direction: .toDepth, summary: "blocks of pixels to channels",
            mxnet: MXNetForm("space_to_depth")),
    ]

    var onnx: ONNXForm {
        let type = direction == .toSpace ? "DepthToSpace" : "SpaceToDepth"
        return .mapped(
            ONNXMapping(
                type,
                write: { node, writing in
                    let block = ONNXAttribute("blocksize", .int(try node.attributes.integer("block_size") ?? 1))
                    writing.emit(type, node, inputs: [try writing.name(node, 0)], attributes: [block])
                },
                read: { reading in
                    guard let block = try reading.integer("blocksize"), 1...(1 << 15) ~= block else {
                        throw ModelError("blocksize is missing or out of range")
                    }
                    switch reading.text("mode") ?? "DCR" {
                    case "DCR": reading.define(name, ["block_size": .integer(block)])
                    case "CRD": Self.defineColumnRowDepth(block, &reading)
                    case let mode: throw ModelError("mode=\(mode) is not known", advice: "expected DCR or CRD")
                    }
                }))
    }

    /// N×(C·b·b)×H×W → N×C×b×b×H×W → N×C×H×b×W×b → N×C×(H·b)×(W·b), in MXNet's codes for shapes.
    private static func defineColumnRowDepth(_ block: Int, _ reading: inout ONNXReading) {
        var value = reading.inputs.first ?? nil
        for (index, shape) in [[0, -4, -1, block * block, -2], [0, 0, -4, block, block, -2]].enumerated() {
            value = reading.add("Reshape", ["shape": .integers(shape)], inputs: [value], suffix: "_split\(index)")
        }
        value = reading.add(
            "transpose", ["axes": .integers([0, 1, 4, 2, 5, 3])], inputs: [value], suffix: "_transpose")
        reading.define("Reshape", ["shape": .integers([0, 0, -3, -3])], inputs: [value])
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let block = try node.attributes.integer("block_size") ?? 0
        guard source.rank == 4, 1...(1 << 15) ~= block else {
            throw ModelError("block_size=\(block) does not fit data of shape \(source)")
        }
        let (n, c, h, w) = (source[0], source[1], source[2], source[3])
        var arrangement = Arrangement(source)
        switch direction {
        case .toSpace:
            guard c % (block * block) == 0 else {
                throw ModelError("\(c) channels are not blocks of \(block)×\(block)")
            }
            let depth = c / (block * block)
            try arrangement.reshape([n, block, block, depth, h, w])
            try arrangement.transpose([0, 3, 4, 1, 5, 2])
            try arrangement.reshape([n, depth, h * block, w * block])
        case .toDepth:
            guard h % block == 0, w % block == 0 else {
                throw ModelError("\(source) is not blocks of \(block)×\(block)")
            }
            try arrangement.reshape([n, c, h / block, block, w / block, block])
            try arrangement.transpose([0, 3, 5, 1, 2, 4])
            try arrangement.reshape([n, c * block * block, h / block, w / block])
        }
        return [arrangement]
    }

    var examples: [OperatorExample] {
        [
            OperatorExample(
                "blocks of two",
                """
                %data: float32[\(direction == .toSpace ? "2, 12, 2, 3" : "2, 3, 4, 6")] = input
                %moved_output = \(name)(%data) {block_size="2"}
                return %moved_output
                """)
        ]
    }
}
