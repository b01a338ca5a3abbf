import Foundation
import TensorCore
import TestSupport
import Testing

@testable import ONNXFormat

/// Nothing in a file may crash the reader, keep it busy, or fill the memory.
@Suite struct DamagedFileTests {
    private func decode(_ bytes: [UInt8], path: String? = nil) throws -> ONNXModel {
        try ModelReader.decode(TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }, path: path)
    }

    /// The error that the bytes cause. (`#expect(throws:)` would print the model of a file that is not refused.)
    private func refusal(_ bytes: [UInt8], path: String? = nil) -> String {
        do { _ = try decode(bytes, path: path) } catch { return "\(error)" }
        return "nothing was wrong"
    }

    private func fixture(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("onnx/\(name)"))))
    }

    /// A field of wire type 2.
    private func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varint: number << 3 | 2)
        bytes.append(varint: UInt64(content.count))
        return bytes + content
    }

    /// A model whose graph has one initializer: `dims`, `data_type`, and the rest of its fields.
    private func model(dims: [UInt8], type: UInt8, _ rest: [UInt8]) -> [UInt8] {
        field(7, field(5, dims.flatMap { [0x08, $0] } + [0x10, type] + field(8, [0x77]) + rest))
    }

    @Test(arguments: ["storage_forms.onnx", "control_flow.onnx", "functions.onnx", "attributes.onnx"])
    func aPrefixIsRefusedOrWhole(name: String) throws {
        let bytes = try fixture(name)
        let whole = try decode(bytes)
        for length in 0..<bytes.count {
            // A cut between two fields of the outermost message leaves a smaller but sound model.
            if let model = try? decode(Array(bytes[..<length])) { #expect(model.graph == whole.graph) }
        }
    }

    @Test func everyFlippedByteIsReadOrRefused() throws {
        for name in ["control_flow.onnx", "storage_forms.onnx"] {
            var bytes = try fixture(name)
            for index in bytes.indices {
                for mask: UInt8 in [0x01, 0x80, 0xFF] {
                    bytes[index] ^= mask
                    _ = try? decode(bytes)
                    bytes[index] ^= mask
                }
            }
        }
    }

    @Test func whatIsNoONNXFile() {
        #expect(refusal([]) == "the file is empty.")
        #expect(refusal(Array("{\"nodes\": []}".utf8)).contains("not an ONNX model"))
        // The magic number of a .params file.
        #expect(refusal([0x12, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).contains("not an ONNX model"))
        #expect(refusal([0x08, 0x08]) == "there is no graph; this does not look like an ONNX model.")
        #expect(refusal([UInt8](repeating: 0xA7, count: 5000)).hasPrefix("byte 0: "))
    }

    @Test func lengthsBeyondTheEnd() {
        let huge: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]
        let ones = [UInt8](repeating: 0xFF, count: 9)
        #expect(refusal([0x3A] + huge).hasPrefix("byte 1: field 'graph' claims 9223372036854775808 bytes, but 0 rem"))
        #expect(refusal([0x3A] + ones + [0x01]).hasPrefix("byte 1: field 'graph' claims 18446744073709551615 bytes"))
        #expect(refusal([0x3A] + ones + ones).hasPrefix("byte 1: a number has more than 10 bytes"))
        // A message may not reach beyond the one around it.
        #expect(refusal([0x3A, 2, 0x12, 9] + ones).hasPrefix("byte 3: field 'name' claims 9 bytes, but 0 remain"))
        #expect(refusal([0x38, 2]).hasPrefix("byte 0: field 'graph' has wire type 0"))
        #expect(refusal(field(7, []) + field(7, [])).hasPrefix("byte 2: field 'graph' occurs twice"))
    }

    @Test func nestingIsBounded() {
        // graph → node → attribute → graph → …
        var content: [UInt8] = []
        for _ in 0..<5000 { content = field(1, field(5, field(6, content))) }
        #expect(refusal(field(7, content)).contains("nested more than 100 deep"))
        // sequence of sequence of …
        var type: [UInt8] = []
        for _ in 0..<5000 { type = field(4, field(1, type)) }
        #expect(refusal(field(7, field(11, field(2, type)))).contains("nested more than 100 deep"))
    }

    @Test func emptyMessagesAreCounted() {
        let nodes = [[UInt8]](repeating: [0x0A, 0], count: 5_000_000).flatMap { $0 }
        #expect(refusal(field(7, nodes)).contains("too many empty fields and messages"))
        let attributes = [[UInt8]](repeating: [0x2A, 0], count: 5_000_000).flatMap { $0 }
        #expect(refusal(field(7, field(1, attributes))).contains("too many empty fields and messages"))
    }

    @Test func shapeAndBytesMustAgree() {
        #expect(
            refusal(model(dims: [2, 3], type: 1, field(9, [0, 0, 0, 0])))
                == "tensor 'w': a float32 tensor of 2×3 needs 24 bytes, but has 4.")
        let strings = model(dims: [2], type: 8, field(6, [0x61]))
        #expect(refusal(strings) == "tensor 'w': a tensor of 2 strings has 1 of them.")
        #expect(refusal(model(dims: [2], type: 99, [])).contains("element type 99 is not known"))
        let minusOne = [UInt8](repeating: 0xFF, count: 9) + [0x01]
        let negative = field(7, field(5, [0x08] + minusOne + [0x10, 1]))
        #expect(refusal(negative).contains("shape (-1) has a negative dimension"))
        let huge = [UInt8](repeating: 0xFF, count: 8) + [0x7F]
        #expect(refusal(field(7, field(5, [0x08] + huge + [0x08] + huge + [0x10, 1]))).contains("more elements than"))
    }

    @Test func externalDataStaysInTheModelsFolder() throws {
        func external(_ location: String, _ more: [(String, String)] = []) -> [UInt8] {
            let entries = ([("location", location)] + more).flatMap { key, value in
                field(13, field(1, Array(key.utf8)) + field(2, Array(value.utf8)))
            }
            return model(dims: [4], type: 2, entries + [0x70, 1])
        }
        try Fixtures.withTemporaryFolder { folder in
            let inner = folder + "/model", path = inner + "/m.onnx"
            try FileOutput.makeFolder(inner)
            try FileOutput.write("12345678", to: folder + "/outside.bin")
            try FileOutput.write("12345678", to: inner + "/weights.bin")
            try FileManager.default.createSymbolicLink(
                atPath: inner + "/link.bin", withDestinationPath: "../outside.bin")

            let inside = try decode(external("weights.bin", [("offset", "2"), ("length", "4")]), path: path)
            #expect(try inside.graph.initializers[0].tensor().elements(as: UInt8.self) == Array("3456".utf8))
            #expect(try decode(external("./weights.bin", [("offset", "4")]), path: path).graph.initializers.count == 1)

            for location in ["../outside.bin", "a/../../outside.bin", folder + "/outside.bin", "weights.bin/../.."] {
                #expect(refusal(external(location), path: path).contains("the path leaves the model's folder"))
            }
            #expect(refusal(external("link.bin"), path: path).contains("the link leaves the model's folder"))
            #expect(refusal(external("missing.bin"), path: path).contains("cannot be opened"))
            #expect(refusal(external(""), path: path).contains("its location is not given"))
            #expect(refusal(external("weights.bin")).contains("has no files beside it"))
            for more in [[("offset", "5")], [("offset", "9")], [("offset", "9223372036854775807")]] {
                let message = refusal(external("weights.bin", more), path: path)
                #expect(message.contains("but the file has 8; the file looks truncated"))
            }
            let wrong = refusal(external("weights.bin", [("length", "8")]), path: path)
            #expect(wrong.contains("need 4 bytes, but the length is 8"))
            for text in ["-1", "x", "99999999999999999999"] {
                let message = refusal(external("weights.bin", [("offset", text)]), path: path)
                #expect(message.contains("is no number of bytes"))
            }
        }
    }
}
