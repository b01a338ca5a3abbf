import Foundation
import GraphIR
import GraphRendering
import TensorCore
import TestSupport
import Testing

struct DrawingTests {
    @Test func stagesAreNamedByWhatTheyHold() {
        let titles = ResidualModel.Form.allCases.map { Stage(ResidualModel.graph($0)).title }
        #expect(titles == ["float", "fused", "quantized", "calibrated", "post-fused"])
    }

    @Test func boxesTellWhatTheyDo() throws {
        func box(_ name: String, _ form: ResidualModel.Form) throws -> DrawnNode {
            try #require(GraphDrawing(of: ResidualModel.graph(form)).nodes.first { $0.name == name })
        }
        let convolution = try box("conv1", .float)
        #expect(convolution.title == "Convolution")
        #expect(convolution.lines == ["3×3, pad 1, 8 filters", "weight: 8×8×3×3"])
        #expect(try box("bn1", .float).lines == ["γ β μ σ²: 8"])
        #expect(try box("fc", .float).lines == ["10 units", "weight: 10×6272", "bias: 10"])

        let fused = try box("quantized_sg_mkldnn_conv_bn_add_act_2", .postFused)
        #expect(fused.parts.map(\.title) == ["Convolution", "BatchNorm", "+ sum", "relu"])
        #expect(fused.lines.first == "calibrated [0, 6.25]")
        #expect(fused.arithmetic == .int8)

        #expect(try box("requantize_sg_mkldnn_conv_bn_act_1", .calibrated).title == "Requantize → uint8")
        #expect(try box("requantize_sg_mkldnn_conv_bn_act_1", .calibrated).lines == ["[0, 4.5]"])
        #expect(try box("requantize_sg_mkldnn_conv_bn_act_1", .quantized).lines == ["range found at run time"])
    }

    @Test func pathsTellTheirTypes() {
        let drawing = GraphDrawing(of: ResidualModel.graph(.calibrated))
        #expect(drawing.legend == [.float, .int8, .uint8, .int32])
        #expect(
            drawing.edges.map(\.kind) == [
                .float, .int8, .int32, .int8, .int32, .uint8, .int8, .int32, .uint8, .float, .float,
            ])
    }

    /// Both arrows of a value say where its codes lie; the one that a fused node adds is called the residual.
    @Test func arrowsTellTheirRanges() throws {
        let graph = ResidualModel.graph(.postFused)
        let edges = GraphDrawing(of: [try Block.find("plus", in: graph)], in: graph).edges
        #expect(
            edges.map(\.lines) == [
                ["1×8×28×28 int8", "[−2.25, 2]"], ["1×8×28×28 uint8", "[0, 4.5]"], ["residual", "int8", "[−2.25, 2]"],
                ["1×8×28×28 uint8", "[0, 6.25]"],
            ])
        var options = DrawingOptions()
        options.labelsEdges = false
        #expect(GraphDrawing(of: graph, options: options).edges.flatMap(\.lines) == [])
    }

    /// ONNX's QuantizeLinear has no range, but a step and a zero point.
    @Test func stepsAndZeroPointsAreTold() throws {
        var graph = try GraphParser.parse("graph qdq { %x: float32 = input  %q = Quantize(%x)  return %q }")
        func lines() -> [String]? { GraphDrawing(of: graph).nodes.first { $0.title == "Quantize → uint8" }?.lines }
        let node = try #require(graph.topologicalOrder().first)
        graph.update(node) { $0.attributes = ["out_type": .text("uint8")] }
        #expect(lines() == ["range found at run time"])
        graph.update(node) { node in
            (node.attributes["step"], node.attributes["zero_point"]) = (.number(0.125), .integer(3))
        }
        #expect(lines() == ["step 0.125, zero point 3"])
    }

    /// The same layer of all stages stands in one row; parameters never become boxes.
    @Test func stagesShareRows() throws {
        let stages = ResidualModel.Form.allCases.map { Stage(ResidualModel.graph($0)) }
        let drawing = try GraphDrawing.sideBySide(stages, block: "conv1")
        #expect(drawing.clusters.map(\.title) == ["float", "fused", "quantized", "calibrated", "post-fused"])
        #expect(drawing.rows.count == 3)
        #expect(drawing.rows.allSatisfy { $0.count == 5 })
        #expect(!drawing.nodes.contains { $0.name.hasSuffix("weight") })
    }

    @Test func stagesOfOtherModelsAreErrors() throws {
        let other = try GraphParser.parse("graph { %x: float32 = input  %y = Relu(%x)  return %y }")
        #expect {
            try GraphDrawing.sideBySide([Stage(ResidualModel.graph(.float)), Stage(other)], block: "conv1")
        } throws: { ($0 as? ModelError)?.location == ["stage 'float'"] }
        #expect(throws: ModelError.self) { try GraphDrawing.sideBySide([], block: "conv1") }
    }

    /// The two snapshots are for people to read: what a drawing says, and that a change of it is seen.
    @Test func snapshots() throws {
        let block = try Block.find("plus", in: ResidualModel.graph(.postFused))
        let drawing = GraphDrawing(of: [block], in: ResidualModel.graph(.postFused))
        try expectSnapshot(DOTWriter.text(for: drawing), "block-post-fused.dot")
        let stages = [ResidualModel.Form.float, .fused].map { Stage(ResidualModel.graph($0)) }
        try expectSnapshot(DOTWriter.text(for: GraphDrawing.sideBySide(stages, block: "plus")), "stages.dot")
    }
}

/// Compares with a file of Fixtures/GraphRendering. `RECORD=1 swift test --filter DrawingTests` writes it anew, to be read.
private func expectSnapshot(_ text: String, _ name: String) throws {
    let path = Fixtures.path("GraphRendering/\(name)")
    if ProcessInfo.processInfo.environment["RECORD"] != nil {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(text == (try String(contentsOfFile: path, encoding: .utf8)))
}
