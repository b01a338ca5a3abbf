import Foundation
import GraphIR
import TestSupport
import Testing

/// What the documents show of the project is so.
struct DocumentTests {
    /// All of them: the README, those of the samples, and `Docs`.
    static let documents: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.document(""))) ?? []
        return names.filter { $0.hasSuffix(".md") }.sorted()
            + ["../README.md", "../Samples/library/README.md", "../Samples/mnist/README.md"]
    }()

    /// A block that begins with ```swift PATH is part of that file, word for word.
    @Test(arguments: documents) func excerptsAreInTheSource(_ document: String) throws {
        for block in try Self.blocks(of: document) where block.info.hasPrefix("swift ") {
            let path = String(block.info.dropFirst("swift ".count))
            let source = try String(contentsOfFile: Fixtures.document("../" + path), encoding: .utf8)
            #expect(source.contains(block.text), "\(path): \(block.text)")
        }
    }

    /// A block that begins with ```graph is what the printer prints of it.
    @Test(arguments: documents) func graphsReadBack(_ document: String) throws {
        for block in try Self.blocks(of: document) where block.info == "graph" {
            #expect(try GraphPrinter.text(of: GraphParser.parse(block.text)) == block.text)
        }
    }

    @Test(arguments: documents) func linksLeadSomewhere(_ document: String) throws {
        let path = Fixtures.document(document)
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let links =
            text.matches(of: /\]\(([^):#]+)\)/).map(\.output.1) + text.matches(of: /src="([^":]+)"/).map(\.output.1)
        for link in links { #expect(FileManager.default.fileExists(atPath: "\(folder)/\(link)"), "\(link)") }
    }

    /// Files of the project that a text names in passing, such as `Sources/GraphIR/Graph.swift`.
    @Test(arguments: documents) func filesThatAreNamedExist(_ document: String) throws {
        let text = try String(contentsOfFile: Fixtures.document(document), encoding: .utf8)
        for match in text.matches(of: /`((Sources|Tests|Samples|Schemas|Docs)\/[A-Za-z0-9_\/.+-]+)`/) {
            let name = String(match.output.1)
            // A model is called by its prefix; Samples/out is made by the demo.
            let isThere = ["", "-symbol.json"].contains { ending in
                FileManager.default.fileExists(atPath: Fixtures.document("../" + name + ending))
            }
            #expect(isThere || name.hasPrefix("Samples/out"), "\(name)")
        }
    }

    private static func blocks(of document: String) throws -> [(info: String, text: String)] {
        let text = try String(contentsOfFile: Fixtures.document(document), encoding: .utf8)
        var blocks: [(info: String, text: String)] = []
        var isInside = false
        for line in text.components(separatedBy: "\n") {
            if line.hasPrefix("```") {
                isInside.toggle()
                if isInside { blocks.append((String(line.dropFirst(3)), "")) }
            } else if isInside {
                blocks[blocks.count - 1].text += line + "\n"
            }
        }
        return blocks
    }
}
