import Foundation
import TensorCore
import TestSupport
import Testing

@testable import MXNetFormat

/// A fixture's bytes, and a storage of given ones.
enum MXNetFixture {
    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("mxnet/\(name)"))))
    }

    static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    static func storage(_ bytes: [UInt8]) -> TensorStorage {
        TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
    }

    static func names(endingWith suffix: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("mxnet"))) ?? [])
            .filter { $0.hasSuffix(suffix) }.sorted()
    }
}

@Suite struct SymbolTests {
    @Test(arguments: MXNetFixture.names(endingWith: "-symbol.json") + MXNetFixture.names(endingWith: "-upgraded.json")
        + ["02-fused", "03-none-auto-tw-full", "04-naive-auto-tw-full", "05-naive-postfused-auto-cw-full"].map {
            "../residual/resnet18-mnist/\($0)-symbol.json"
        })
    func writingGivesTheSameBytes(name: String) throws {
        let symbol = try SymbolReader.read(Fixtures.path("mxnet/\(name)"))
        // Older versions call the attributes otherwise.
        guard let version = symbol.version, version >= 10000, version != 10200 else { return }
        #expect(SymbolWriter.encode(symbol) == (try MXNetFixture.text(name)))
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        for name in MXNetFixture.names(endingWith: "-symbol.json") {
            let symbol = try SymbolReader.read(Fixtures.path("mxnet/\(name)"))
            let text = SymbolWriter.encode(symbol)
            #expect(SymbolWriter.encode(try SymbolReader.decode(text)) == text)
        }
    }

    @Test func everyAgeTellsTheSameNetwork() throws {
        let now = try SymbolReader.read(Fixtures.path("mxnet/old-1.9.1-symbol.json"))
        let versions = ["0.9.5": 905, "0.11.0": 1100, "1.0.0.post4": 10000, "1.5.1.post0": 10501, "1.7.0": 10700]
        for (name, version) in versions {
            let symbol = try SymbolReader.read(Fixtures.path("mxnet/old-\(name)-symbol.json"))
            #expect(symbol.version == version)
            #expect(symbol.nodes == now.nodes)
            #expect(symbol.heads == now.heads)
            #expect(symbol.argumentNodes == now.argumentNodes)
        }
        #expect(now.nodes[3].op == "Convolution")
        #expect(now.nodes[3].attributes["kernel"] == "(3, 3)")
        #expect(now.nodes[9].inputs[3] == .init(node: 7, output: 0, version: 1))
        #expect(now.nodeRowPointer[9...11] == [9, 12, 14])
        #expect(now.nodes[0].isVariable && !now.nodes[3].isVariable)
    }

    @Test func version0Dot8() throws {
        let symbol = try SymbolReader.read(Fixtures.path("mxnet/save_000800-symbol.json"))
        #expect(symbol.version == nil)
        #expect(symbol.nodeRowPointer.isEmpty)
        #expect(symbol.heads == [.init(node: 16)])
        // `param` and `attr` together.
        #expect(symbol.nodes[3].attributes == [
            "no_bias": "False", "num_hidden": "128", "ctx_group": "stage1", "wd_mult": "0.3", "weight_lr_mult": "1.2",
        ])
    }

    @Test func subgraphsAndGraphAttributes() throws {
        let loop = try SymbolReader.read(Fixtures.path("mxnet/foreach-subgraph-symbol.json"))
        #expect(loop.nodes[2].subgraphs.map(\.nodes.count) == [4])
        #expect(loop.nodes[2].subgraphs[0].heads == [.init(node: 2), .init(node: 3)])
        let numpy = try SymbolReader.read(Fixtures.path("mxnet/old-2.0.0b1-symbol.json"))
        #expect(numpy.usesNumPyShapes && numpy.version == 20000)
        #expect(!loop.usesNumPyShapes)
    }

    @Test func oddButSoundJSON() throws {
        let symbol = try SymbolReader.decode(#"""
            {"heads":[[1,0]],"nodes":[{"name":"\u00e4\"\\\n\ud83d\ude00/","op":"null","extra":{"a":[1,-2.5e3,null]},
            "attrs":{"n":3,"b":true},"inputs":[]},{"op":"f","name":"f","inputs":[[0,0,7]],"control_deps":[0]}],
            "node_row_ptr":[0,5],"attrs":{"s":["str","x"],"l":["list_int",[1, 2]]}}
            """#)
        #expect(symbol.nodes[0].name == "ä\"\\\n😀/")
        #expect(symbol.nodes[0].attributes == ["n": "3", "b": "true"])
        #expect(symbol.nodes[1].controlDependencies == [0])
        #expect(symbol.argumentNodes == [0])
        // It has not one element more than there are nodes, and MXNet ignores it.
        #expect(symbol.nodeRowPointer == [])
        #expect(symbol.attributes == ["s": .text("x"), "l": .other(type: "list_int", json: "[1, 2]")])
        #expect(try SymbolReader.decode(SymbolWriter.encode(symbol)).nodes[0].attributes["n"] == "3")
    }
}

@Suite struct DamagedSymbolTests {
    private func refusal(_ text: String) -> String {
        do { _ = try SymbolReader.decode(text) } catch { return "\(error)" }
        return "nothing was wrong"
    }

    private func node(_ name: String, op: String = "null", inputs: String = "") -> String {
        #"{"op":"\#(op)","name":"\#(name)","inputs":[\#(inputs)]}"#
    }

    @Test func everyPrefixIsRefused() throws {
        let bytes = try MXNetFixture.bytes("foreach-subgraph-symbol.json")
        for length in 0..<bytes.count {
            #expect(throws: ModelError.self) { try SymbolReader.decode(MXNetFixture.storage(Array(bytes[..<length]))) }
        }
    }

    @Test func everyChangedByteIsReadOrRefused() throws {
        var bytes = try MXNetFixture.bytes("foreach-subgraph-symbol.json")
        for index in bytes.indices {
            for mask: UInt8 in [0x01, 0x04, 0x80, 0xFF] {
                bytes[index] ^= mask
                _ = try? SymbolReader.decode(MXNetFixture.storage(bytes))
                bytes[index] ^= mask
            }
        }
    }

    @Test func indices() {
        let a = node("a")
        #expect(refusal(#"{"nodes":[\#(a),\#(node("b", op: "f", inputs: "[2,0,0]"))],"heads":[]}"#)
            == "node 'b' (f): an input is node 2, but there are 2.")
        #expect(refusal(#"{"nodes":[\#(node("b", op: "f", inputs: "[1,0,0]")),\#(a)],"heads":[]}"#)
            .hasPrefix("node 'b' (f): an input is the later node 'a'; nodes must follow what they use"))
        #expect(refusal(#"{"nodes":[\#(node("b", op: "f", inputs: "[0,0,0]"))],"heads":[]}"#)
            .hasPrefix("node 'b' (f): an input is itself;"))
        #expect(refusal(#"{"nodes":[\#(a)],"heads":[[1,0,0]]}"#) == "a head is node 1, but there are 1.")
        for output in [-1, 1 << 62] {
            #expect(refusal(#"{"nodes":[\#(a)],"heads":[[0,\#(output),0]]}"#)
                == "a head is output \(output), version 0 of node 0; outputs go from 0 to 4095, versions from 0.")
        }
        // By the row pointer, 'a' has two outputs.
        let two = #"{"nodes":[\#(a)],"heads":[[0,%]],"node_row_ptr":[0,2]}"#
        #expect(refusal(two.replacing("%", with: "1")) == "nothing was wrong")
        #expect(refusal(two.replacing("%", with: "2"))
            == "a head is output 2, version 0 of node 0; outputs go from 0 to 1, versions from 0.")
        #expect(refusal(#"{"nodes":[\#(node("b", op: "f"))],"arg_nodes":[0],"heads":[]}"#)
            == "arg_nodes has node 'b', which is no variable but f.")
        #expect(refusal(#"{"nodes":[\#(a)],"heads":[[0]]}"#)
            == "byte 57: an entry of heads has 1 numbers; node, output and version were expected.")
        #expect(refusal(#"{"nodes":[\#(a)],"heads":[[0,99999999999999999999]]}"#).contains("should be a whole number"))
    }

    @Test func whatIsNoSymbol() throws {
        #expect(refusal("") == "the file is empty.")
        #expect(refusal("{}") == "there are no nodes; this does not look like an MXNet symbol.")
        #expect(refusal(#"{"nodes":[]}"#).hasPrefix("there are no heads"))
        #expect(refusal("[]") == "byte 0: a symbol should be an object, but '[' is here.")
        #expect(refusal(#"{"nodes":[],"heads":[]} x"#) == "byte 24: 'x' follows the end of the value.")
        #expect(refusal(#"{"nodes":[{"op":"null"}]}"#) == "node 0: name is missing.")
        #expect(refusal(#"{"nodes":[{"op":"a\q"}]}"#) == "node 0, byte 18: this escape in a string is not known.")
        #expect(refusal("\u{0}garbage") == "byte 0: a symbol should be an object, but byte 0x0 is here.")
        #expect(throws: ModelError(
            "this is a .params file, with arrays; a symbol was expected", at: Fixtures.path("mxnet/dtypes.params"),
            advice: "name the -symbol.json file, or the prefix of both")
        ) { try SymbolReader.read(Fixtures.path("mxnet/dtypes.params")) }
    }

    @Test(arguments: [(#"{"x":"#, ""), (#"{"x":["#, ""), (#"{"nodes":[{"subgraphs":["#, "]}]}"), ("[[[[[[", "")])
    func nestingIsBounded(opening: String, closing: String) {
        let text = refusal(String(repeating: opening, count: 10_000) + String(repeating: closing, count: 10_000))
        #expect(text.contains("lie within each other") || text.contains("should be an object"))
    }
}
