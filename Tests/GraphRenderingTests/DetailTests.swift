import Foundation
import GraphIR
import Requant
import TestSupport
import Testing

@testable import GraphRendering

struct DetailTests {
    private func drawing(_ form: ResidualModel.Form, _ detail: DetailLevel) -> GraphDrawing {
        var options = DrawingOptions()
        options.detail = detail
        return GraphDrawing(of: ResidualModel.graph(form), options: options)
    }

    /// conv0; conv1, bn1, relu1; conv2, bn2; plus, relu2; fc; between an input and an output.
    @Test func layersHaveWhatFollowsThem() {
        let boxes = drawing(.float, .layers).nodes
        #expect(boxes.map(\.name) == ["data", "conv0", "conv1", "conv2", "plus", "fc", "fc_output"])
        #expect(boxes[2].parts.map(\.title) == ["Convolution", "BatchNorm", "relu"])
        #expect(boxes[4].parts.map(\.title) == ["+ sum", "relu"])
        let calibrated = drawing(.calibrated, .layers).nodes
        #expect(
            calibrated.first { $0.name.hasPrefix("quantized_sg_mkldnn_conv_bn_act") }?.parts.last?.title
                == "Requantize → uint8")
    }

    @Test func outlineFoldsBlocks() {
        #expect(
            drawing(.float, .outline).nodes.map(\.title) == [
                "input", "Convolution", "Residual block", "Fully connected", "output",
            ])
    }

    /// Four stages of two blocks each, the blocks of a stage alike.
    @Test func outlineFoldsWhatRepeats() throws {
        let model = try Model.load(Fixtures.sample("mnist/resnet18-mnist"), shapes: ["data": [1, 1, 28, 28]])
        var options = DrawingOptions()
        options.detail = .outline
        let titles = GraphDrawing(of: model.graph, options: options).nodes.map(\.title)
        #expect(titles.filter { $0 == "2 × Residual block" }.count == 4)
        #expect(titles.count == 9)
    }

    @Test func allHasParameters() {
        let boxes = drawing(.float, .all).nodes
        let parameters = boxes.filter { $0.category == .parameter }.map(\.title)
        #expect(Set(parameters) == ["weight", "bias", "γ", "β", "μ", "σ²"])
        #expect(parameters.count == 3 + 2 * 4 + 2)
        #expect(boxes.first { $0.name == "conv1" }?.lines == ["3×3, pad 1, 8 filters"])
    }

    @Test func whatIsTooLargeBecomesCoarser() throws {
        var graph = Graph(name: "chain")
        var last = graph.addInput("data")
        for index in 0..<DetailLevel.mostBoxes + 1 {
            let node = graph.add(NodeDraft(name: "n\(index)", op: index % 3 == 0 ? "a" : "b", inputs: [last]))
            last = graph[node].outputs[0]
        }
        graph.setOutputs([last])
        let drawing = try Model.drawing(of: [Stage(graph)])
        #expect(drawing.nodes.count < 10)
        #expect(drawing.note?.contains("--detail outline") ?? false)
    }

    @Test func overlaysColourBoxes() throws {
        var options = DrawingOptions()
        options.overlay = Overlay(
            title: "time", entries: ["conv1": .init(value: 1, text: "1 µs"), "conv2": .init(value: 9, text: "9 µs")])
        let drawing = GraphDrawing(of: ResidualModel.graph(.float), options: options)
        #expect(drawing.nodes.compactMap(\.heat) == [0, Palette.heat.count - 1])
        #expect(drawing.scale == OverlayScale(title: "time", low: "1 µs", high: "9 µs"))
    }

    /// float32 1×8×28×28 is 25,088 bytes, an image of three channels 9,408.
    @Test func widthsFollowBytes() throws {
        var options = DrawingOptions()
        options.widthsShowBytes = true
        let drawing = GraphDrawing(of: ResidualModel.graph(.float), options: options)
        #expect(drawing.widths?.hasSuffix("25.1 kB") ?? false)
        #expect(drawing.edges.compactMap(\.width).max() == 9)
        #expect(drawing.edges[0].width == 5.8)
    }

    /// Codes instead of numbers change every layer; ranges change what has them.
    @Test func stagesShowWhatChanged() throws {
        let stages = [ResidualModel.Form.quantized, .calibrated].map { Stage(ResidualModel.graph($0)) }
        let drawing = try GraphDrawing.sideBySide(stages)
        let emphasis = Dictionary(
            drawing.nodes.filter { $0.cluster == "stage1" }.map { ($0.name, $0.emphasis) }
        ) { first, _ in first }
        #expect(emphasis["quantized_sg_mkldnn_conv_0"] == .pale)
        #expect(emphasis["requantize_sg_mkldnn_conv_0"] == .strong)
        #expect(drawing.nodes.filter { $0.cluster == "stage0" }.allSatisfy { $0.emphasis == .plain })
    }

    @Test func namesMakeGroups() throws {
        let model = try Model.load(Fixtures.sample("mnist/resnet18-mnist"))
        let clusters = GraphDrawing(of: model.graph).clusters
        #expect(clusters.filter { $0.role == .group }.map(\.title) == ["stage1", "stage2", "stage3", "stage4"])
        #expect(clusters.filter { $0.role == .block }.count == 8)
        #expect(clusters.filter { $0.role == .block }.allSatisfy { $0.parent != nil })
    }

    /// No two tones may share their light colour, or one of them would turn into the other's dark one.
    @Test func everyColourHasOneDarkCounterpart() throws {
        let svg = String(decoding: try GraphvizRenderer.render(drawing(.calibrated, .all), as: .svg), as: UTF8.self)
        #expect(svg.contains("prefers-color-scheme: dark"))
        let body = svg.components(separatedBy: "</style>").last ?? ""
        let colours = Set(body.matches(of: /(?:fill|stroke)="(#[0-9a-f]{6})"/).map { String($0.1) })
        #expect(!colours.isEmpty)
        for colour in colours { #expect(svg.contains("[fill=\"\(colour)\"]"), "\(colour)") }
    }
}
