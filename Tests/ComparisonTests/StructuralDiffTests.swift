import Testing

@testable import Comparison

/// How graphs differ without data.
struct StructuralDiffTests {
    static func node(
        _ name: String, _ op: String, origins: [String]? = nil, _ attributes: [String: String] = [:],
        result: String = "",
        parameters: [String: String] = [:]
    ) -> ModelOutline.Node {
        ModelOutline.Node(
            name: name, op: op, origins: origins ?? [name], attributes: attributes, result: result,
            parameters: parameters)
    }

    static let float = ModelOutline(nodes: [
        node("conv", "Convolution", ["kernel": "(3, 3)"], result: "float32"), node("bn", "BatchNorm"),
        node("relu", "Activation", result: "float32"), node("drop", "Dropout"),
        node("fc", "FullyConnected", ["num_hidden": "10"], result: "float32", parameters: ["input 1": "a"]),
    ])

    /// conv, bn and relu are one, drop is gone, fc has other attributes and weights, and a quantize was put in.
    static let int8 = ModelOutline(nodes: [
        node("data_quantize", "Quantize", origins: ["data"]),
        node("q_conv", "FusedConvolution", origins: ["conv", "bn", "relu"], result: "uint8 [0, 4]"),
        node("relu_dequantize", "Dequantize", origins: ["relu"]),
        node("fc", "FullyConnected", ["num_hidden": "12"], result: "float32", parameters: ["input 1": "b"]),
    ])

    @Test func whatFusionAndQuantizationDid() {
        let diff = StructuralDiff(Self.float, Self.int8)
        #expect(diff.referenceNodes == 5 && diff.candidateNodes == 4)
        #expect(diff.added.map(\.name) == ["data_quantize", "relu_dequantize"] && diff.removed.map(\.name) == ["drop"])
        #expect(
            diff.fused == [.init(name: "q_conv", op: "FusedConvolution", parts: ["conv", "bn", "relu"])]
                && diff.unfused.isEmpty)
        #expect(
            diff.attributes == [
                .init(origin: "fc", reference: "fc", candidate: "fc", what: "num_hidden", before: "10", after: "12")
            ])
        #expect(diff.ranges.map(\.origin) == ["relu"] && diff.ranges.map(\.after) == ["uint8 [0, 4]"])
        #expect(diff.parameters.map(\.what) == ["input 1"])
    }

    @Test func theOtherWayRoundItWasTakenApart() {
        let diff = StructuralDiff(Self.int8, Self.float)
        #expect(diff.unfused.map(\.name) == ["q_conv"] && diff.fused.isEmpty)
        #expect(diff.added.map(\.name) == ["drop"])
        #expect(diff.removed.map(\.name) == ["data_quantize", "relu_dequantize"])
    }

    @Test func aChangedRangeIsNoChangedAttribute() {
        func model(_ maximum: String) -> ModelOutline {
            ModelOutline(nodes: [Self.node("conv", "FusedConvolution", ["max_calib_range": maximum])])
        }
        let diff = StructuralDiff(model("4.5"), model("4"))
        #expect(diff.attributes.isEmpty && diff.ranges.map(\.before) == ["4.5"] && !diff.isEmpty)
        #expect(StructuralDiff(model("4"), model("4")).isEmpty)
    }
}
