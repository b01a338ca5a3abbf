import Foundation
import TensorCore
import TestSupport
import Testing

/// What a file claims beyond what it has is one error, before anything is done about it.
@Suite struct ClaimTests {
    struct Claim: CustomTestStringConvertible, Sendable {
        var reader: FuzzedReader, bytes: [UInt8], error: String
        var testDescription: String { "\(reader): \(error)" }
    }

    @Test(arguments: parameters + numPy + records + symbols)
    func isRefused(_ claim: Claim) throws {
        try Fixtures.withTemporaryFolder { folder in
            #expect {
                try claim.bytes.withUnsafeBytes { try claim.reader.read($0, scratch: folder + "/claim") }
            } throws: { error in
                error is ModelError && "\(error)".contains(claim.error)
            }
        }
    }

    static let parameters = [
        Claim(
            reader: .parameters, bytes: little(0x112, 0, 1 << 60, 0),
            error: "the number of arrays is 1152921504606846976, but only 2 can follow"),
        Claim(
            reader: .parameters, bytes: little(0x112, 0, 1) + array(1 << 60) + little(0),
            error: "shape (1152921504606846976) has more elements than any memory holds"),
        Claim(
            reader: .parameters, bytes: little(0x112, 0, 1) + array(1 << 40, 1 << 40) + little(0),
            error: "has more elements than any memory holds"),
        Claim(
            reader: .parameters, bytes: little(0x112, 0, 1) + array() + little(1, 1 << 60),
            error: "the length of the name is 1152921504606846976"),
    ]

    static let numPy = [
        Claim(
            reader: .npy,
            bytes: npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1152921504606846976,)}"),
            error: "shape (1152921504606846976) has more elements than any memory holds"),
        Claim(
            reader: .npy,
            bytes: npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1099511627776, 1099511627776)}"),
            error: "has more elements than any memory holds"),
        Claim(
            reader: .npy, bytes: Array(npy("").dropLast(2)) + [0xFF, 0xFF],
            error: "header needs 65535 bytes, but 0 remain"),
    ]

    static let records = [
        Claim(
            reader: .records, bytes: Array(little(0x1FFF_FFFF << 32 | 0xCED7_230A)),
            error: "a record's payload needs 536870911 bytes, but 0 remain"),
        Claim(
            reader: .index, bytes: Array("0\t1152921504606846976\n".utf8),
            error: "byte 1152921504606846976 is claimed, but the records end at 31812"),
    ]

    static let symbols = [
        Claim(
            reader: .symbol, bytes: nested(#"{"nodes":[],"x":["#, "[", "]", "]}"),
            error: "more than 512 arrays and objects lie within each other"),
        Claim(
            reader: .symbol,
            bytes: nested("", #"{"heads":[],"nodes":[{"op":"f","name":"a","inputs":[],"subgraphs":["#, "]}]}", ""),
            error: "more than 512 arrays and objects lie within each other"),
        Claim(
            reader: .symbol, bytes: Array(#"{"nodes":[{"op":"f","name":"a","inputs":[[0,0,0]]}],"heads":[]}"#.utf8),
            error: "an input is itself"),
        Claim(
            reader: .symbol, bytes: Array(#"{"nodes":[{"op":"null","name":"a","inputs":[]}],"arg_nodes":[0]}"#.utf8),
            error: "there are no heads"),
    ]

    /// A graph in a graph as deep as the reader allows is read.
    @Test func theDeepestSubgraph() throws {
        let opening = #"{"heads":[],"nodes":[{"op":"f","name":"a","inputs":[],"subgraphs":["#
        let text = String(repeating: opening, count: 127) + #"{"heads":[],"nodes":[]}"#
            + String(repeating: "]}]}", count: 127)
        try Array(text.utf8).withUnsafeBytes { try FuzzedReader.symbol.read($0, scratch: "") }
    }

    // MARK: Bytes

    private static func little(_ values: UInt64...) -> [UInt8] {
        values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    }

    /// The head of a float32 array (v2); without extents, an array that never got a shape.
    private static func array(_ extents: UInt64...) -> [UInt8] {
        let start = Array(little(0xF993_FAC9)) + [UInt8(extents.count), 0, 0, 0]
        guard !extents.isEmpty else { return start }
        let device = little(1), type: [UInt8] = [0, 0, 0, 0]
        return start + extents.flatMap { little($0) } + device + type
    }

    private static func npy(_ header: String) -> [UInt8] {
        [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
    }

    private static func nested(_ start: String, _ opening: String, _ closing: String, _ end: String) -> [UInt8] {
        let text = start + String(repeating: opening, count: 10_000) + String(repeating: closing, count: 10_000) + end
        return Array(text.utf8)
    }
}
