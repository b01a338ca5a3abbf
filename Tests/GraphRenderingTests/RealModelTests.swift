import GraphRendering
import Requant
import TestSupport
import Testing

/// A residual network at the five stages, as MXNet 1.9.1 wrote them.
struct RealModelTests {
    @Test func everyStageHasTheBlocksOfResNet18() throws {
        let stages = try [
            "01-fp32", "02-fused", "03-none-auto-tw-full", "04-naive-auto-tw-full", "05-naive-postfused-auto-tw-full",
        ].map { stage in
            let symbol = Fixtures.path("residual/resnet18-mnist/\(stage)-symbol.json")
            return Stage(try Model.load(symbol, parameters: Fixtures.path("residual/resnet18-mnist/int8.params")).graph)
        }
        #expect(stages.map(\.title) == ["float", "fused", "quantized", "calibrated", "post-fused"])
        let names = (1...4).flatMap { stage in (0...1).map { "resnetv10_stage\(stage)__plus\($0)" } }
        for stage in stages { #expect(Block.find(in: stage.graph).map(\.name) == names) }

        // The first block of a stage halves the image and has a convolution on its short cut.
        let halving = try GraphDrawing.sideBySide(stages, block: "resnetv10_stage2_conv0_fwd")
        let layers = halving.nodes.filter { $0.category == .weighted || $0.category == .fused }
        #expect(Dictionary(grouping: layers, by: \.cluster).mapValues(\.count).values.allSatisfy { $0 == 3 })
        #expect(halving.rows.map(\.count) == [5, 5, 5, 5])
        #expect(try !GraphvizRenderer.render(halving, as: .svg).isEmpty)
    }
}
