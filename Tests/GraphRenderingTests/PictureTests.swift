import Foundation
import FoundationXML
import GraphIR
@testable import GraphRendering
import TensorCore
import TestSupport
import Testing

struct PictureTests {
    @Test func svgHoldsEveryName() throws {
        for form in ResidualModel.Form.allCases {
            let graph = ResidualModel.graph(form)
            let svg = try GraphvizRenderer.render(GraphDrawing(of: graph), as: .svg)
            let text = try textOfXML(svg)
            for node in graph.nodes { #expect(text.contains(node.name)) }
        }
    }

    @Test func namesAreEscaped() throws {
        let name = #"a<b>&"c"\N{'d'}"# + "\u{1}\n"
        var graph = Graph(name: name)
        let input = graph.addInput(name)
        let node = graph.add(NodeDraft(name: name, op: "<&>", attributes: [name: .text(name)], inputs: [input]))
        graph.setOutputs(graph[node].outputs)
        let text = try textOfXML(GraphvizRenderer.render(GraphDrawing(of: graph), as: .svg))
        #expect(text.contains(#"a<b>&"c"\N{'d'}"# + "\u{FFFD} "))
        #expect(text.contains("<&>"))
    }

    @Test func emptyGraphsAreDrawn() throws {
        _ = try textOfXML(GraphvizRenderer.render(GraphDrawing(of: Graph()), as: .svg))
        let stages = [Stage(Graph()), Stage(Graph())]
        _ = try textOfXML(GraphvizRenderer.render(GraphDrawing.sideBySide(stages), as: .svg))
    }

    @Test func eachFormatBeginsWithItsSignature() throws {
        let drawing = GraphDrawing(of: ResidualModel.graph(.postFused))
        let signatures: [PictureFormat: [UInt8]] = [
            .svg: Array("<?xml".utf8), .png: [0x89, 0x50, 0x4E, 0x47], .pdf: Array("%PDF-".utf8),
            .dot: Array("digraph ".utf8),
        ]
        try Fixtures.withTemporaryFolder { folder in
            for (format, signature) in signatures {
                let path = "\(folder)/picture.\(format.rawValue)"
                try GraphvizRenderer.write(drawing, to: path)
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)).starts(with: signature))
            }
        }
    }

    @Test func otherEndingsAreErrors() {
        for path in ["model.jpeg", "model", "folder.svg/model", ".svg"] {
            #expect(throws: ModelError.self) { try PictureFormat(path: path) }
        }
        #expect(throws: Never.self) { try PictureFormat(path: "a.b/model.v2.SVG") }
    }

    @Test func graphvizTellsWhatItDislikes() {
        #expect {
            try GraphvizRenderer.picture(of: "digraph { a -> }", as: .svg)
        } throws: { "\($0)".contains("syntax error") }
    }

    /// Deeper than any published network; Graphviz's defaults would take minutes.
    @Test func aChainOfTwoThousandNodesCompletes() throws {
        var graph = Graph(name: "chain")
        var last = graph.addInput("data", type: ValueType(.float32, [1, 8, 8, 8]))
        for index in 0..<2000 {
            let op = index % 2 == 0 ? "Convolution" : "Activation"
            let node = graph.add(NodeDraft(name: "node\(index)", op: op, inputs: [last]))
            last = graph[node].outputs[0]
            graph.setType(ValueType(.float32, [1, 8, 8, 8]), of: last)
        }
        graph.setOutputs([last])
        let text = try textOfXML(GraphvizRenderer.render(GraphDrawing(of: graph), as: .svg))
        #expect(text.contains("node1999"))
    }

    /// Graphviz has global state; drawings at the same time must not meet in it.
    @Test func drawingsFromSeveralThreads() async throws {
        let drawing = GraphDrawing(of: ResidualModel.graph(.calibrated))
        let expected = try GraphvizRenderer.render(drawing, as: .svg)
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<8 { group.addTask { try GraphvizRenderer.render(drawing, as: .svg) } }
            for try await svg in group { #expect(svg == expected) }
        }
    }
}

/// The text and the tooltips of an XML document.
/// - Throws: if it is not well formed.
private func textOfXML(_ bytes: [UInt8]) throws -> String {
    final class Reader: NSObject, XMLParserDelegate {
        var text = ""
        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
        func parser(
            _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            if let title = attributes["xlink:title"] { text += title }
        }
    }
    let reader = Reader()
    let parser = XMLParser(data: Data(bytes))
    parser.delegate = reader
    guard parser.parse() else { throw ModelError("not well-formed XML: \(String(describing: parser.parserError))") }
    return reader.text
}
