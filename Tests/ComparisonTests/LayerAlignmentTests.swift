import Comparison
import Testing

struct LayerAlignmentTests {
    private typealias Layer = LayerAlignment.Layer

    private func pairs(_ alignment: LayerAlignment) -> [String] {
        alignment.pairs.map { "\($0.reference) = \($0.candidate)" }
    }

    /// conv → bn → relu → fc against (conv + bn + relu) → fc
    @Test func aFusedNodePairsWithTheLastThatItSwallowed() {
        let float = ["conv", "bn", "relu", "fc"].map { Layer(value: $0 + "_output", origin: $0) }
        let fused = [
            Layer(value: "data_quantize", origin: "data_quantize"),
            Layer(value: "sg_conv_0", origin: "relu", origins: ["conv", "bn", "relu"]),
            Layer(value: "qfc", origin: "fc"),
        ]
        let alignment = LayerAlignment(reference: float, candidate: fused)
        #expect(pairs(alignment) == ["relu_output = sg_conv_0", "fc_output = qfc"])
        #expect(alignment.pairs.map(\.origin) == ["relu", "fc"])
        #expect(alignment.unmatchedReference.map(\.value) == ["conv_output", "bn_output"])
        #expect(alignment.unmatchedReference.map(\.inside) == ["sg_conv_0", "sg_conv_0"])
        #expect(alignment.unmatchedCandidate.map(\.value) == ["data_quantize"])
        #expect(alignment.unmatchedCandidate.map(\.inside) == [nil])

        let reversed = LayerAlignment(reference: fused, candidate: float)
        #expect(pairs(reversed) == ["sg_conv_0 = relu_output", "qfc = fc_output"])
        #expect(reversed.unmatchedCandidate == alignment.unmatchedReference)
    }

    @Test func severalOutputsPairInOrder() {
        let a = [Layer(value: "split0", origin: "split"), Layer(value: "split1", origin: "split")]
        let b = [Layer(value: "s0", origin: "split"), Layer(value: "s1", origin: "split")]
        #expect(pairs(LayerAlignment(reference: a, candidate: b)) == ["split0 = s0", "split1 = s1"])
    }

    /// An int32 accumulator and its requantized codes stem from the same convolution.
    @Test func theLastValueOfAnOriginPairs() {
        let alignment = LayerAlignment(
            reference: [Layer(value: "conv_output", origin: "conv")],
            candidate: [Layer(value: "quantized_conv", origin: "conv"), Layer(value: "requantize", origin: "conv")])
        #expect(pairs(alignment) == ["conv_output = requantize"])
        #expect(alignment.unmatchedCandidate.map(\.value) == ["quantized_conv"])
    }

    /// Branches may be listed in either order.
    @Test func theOrderIsThatOfTheReference() {
        let a = ["left", "right", "add"].map { Layer(value: $0, origin: $0) }
        let b = ["right", "left", "add"].map { Layer(value: $0, origin: $0) }
        #expect(LayerAlignment(reference: a, candidate: b).pairs.map(\.origin) == ["left", "right", "add"])
    }

    @Test func nothingPairsWithNothing() {
        let alignment = LayerAlignment(reference: [], candidate: [])
        #expect(alignment.pairs.isEmpty && alignment.unmatchedReference.isEmpty && alignment.unmatchedCandidate.isEmpty)
    }
}
