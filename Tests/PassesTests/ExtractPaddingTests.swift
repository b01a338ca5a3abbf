import Passes
import Testing

/// Padding that MXNet has as a layer of its own only.
struct ExtractPaddingTests {
    @Test func unevenPaddingBecomesALayer() throws {
        let result = try PassText(
            """
            %data: float32[1, 2, 5, 5] = input
            %w: float32[3, 2, 2, 2] = parameter(...)
            %conv_output = Convolution(%data, %w) {kernel="(2, 2)", num_filter="3", no_bias="True", pad="(0, 1)", pad_end="(1, 0)"}
            return %conv_output
            """, ExtractPadding())
        #expect(result.nodes.map(\.op) == ["Pad", "Convolution"])
        #expect(result.nodes[0].attributes["pad_width"]?.description == "(0, 0, 0, 0, 0, 1, 1, 0)")
        #expect(result.nodes[1].attributes["pad"] == nil && result.nodes[1].attributes["pad_end"] == nil)
        #expect(result.names == ["conv_pad", "conv"])
    }

    /// Padding must never be the maximum; and a mean that leaves the padding out cannot do with a border.
    @Test func poolingKeepsItsMeaning() throws {
        func pooling(_ attributes: String) throws -> PassText {
            try PassText(
                """
                %data: float32[1, 2, 5, 5] = input
                %pool_output = Pooling(%data) {kernel="(2, 2)", pad="(0, 0)", pad_end="(1, 1)", \(attributes)}
                return %pool_output
                """, ExtractPadding())
        }
        let largest = try pooling("pool_type=\"max\"")
        #expect(largest.nodes.map(\.op) == ["Pad", "Pooling"])
        #expect(try largest.nodes[0].attributes.number("constant_value") ?? 0 < -3e38)
        #expect(try pooling("pool_type=\"avg\"").nodes.map(\.op) == ["Pad", "Pooling"])
        #expect(try pooling("pool_type=\"avg\", count_include_pad=\"False\"").nodes.map(\.op) == ["Pooling"])
    }
}
