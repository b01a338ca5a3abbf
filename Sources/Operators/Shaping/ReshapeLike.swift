import GraphIR
import ONNXFormat
import TensorCore

/// The first input under the shape of the second one, or some of its axes under some of that (src/operator/tensor/
/// elemwise_unary_op_basic.cc):
///
///     lhs[:lhs_begin] + rhs[rhs_begin:rhs_end] + lhs[lhs_end:]
struct ReshapeLike: ArrangingOperator {
    let name = "reshape_like"
    let summary = "the shape of another tensor, or some of its axes"
    let mxnet: MXNetForm? = MXNetForm("reshape_like", "_npx_reshape_like")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        let like = try node.shape(1)
        let replaced = try range("lhs", node.attributes, source), taken = try range("rhs", node.attributes, like)
        var dimensions = source.dimensions
        dimensions.replaceSubrange(replaced, with: like.dimensions[taken])
        var arrangement = Arrangement(source)
        try arrangement.reshape(dimensions)
        return [arrangement]
    }

    private func range(_ side: String, _ attributes: Attributes, _ shape: Shape) throws -> Range<Int> {
        func place(_ name: String, _ fallback: Int) throws -> Int {
            let index = try attributes.integer("\(side)_\(name)") ?? fallback
            return index < 0 ? index + shape.rank : index
        }
        let begin = try place("begin", 0), end = try place("end", shape.rank)
        guard 0 <= begin, begin <= end, end <= shape.rank else {
            throw ModelError("\(side)_begin=\(begin) and \(side)_end=\(end) do not fit \(shape)")
        }
        return begin..<end
    }

    let examples = [
        OperatorExample(
            "all axes",
            """
            %data: float32[2, 12] = input
            %like: float32[3, 4, 2] = input
            %shaped_output = reshape_like(%data, %like)
            return %shaped_output
            """),
        OperatorExample(
            "the last axis for two of another tensor",
            """
            %data: float32[5, 4] = input
            %like: float32[4, 2, 2, 3] = input
            %shaped_output = reshape_like(%data, %like) {lhs_begin="-1", lhs_end="None", rhs_begin="1", rhs_end="3"}
            return %shaped_output
            """),
    ]
}
