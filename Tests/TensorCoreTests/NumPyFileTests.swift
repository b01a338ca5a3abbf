import Foundation
import TensorCore
import TestSupport
import Testing

@Suite("NumPy files")
struct NumPyFileTests {
    @Test("every element type", arguments: DataType.allCases.filter { $0 != .bfloat16 })
    func elementTypes(type: DataType) throws {
        let tensor = try read("\(type)")
        #expect(tensor.type == TensorType(type, [3, 4]))
        let values = (-6...5).map { value -> Float in
            switch type {
            case .bool: Float(abs(value) % 2)
            case .uint8, .uint16, .uint32, .uint64: Float(abs(value))
            default: Float(value)
            }
        }
        #expect(tensor.floats() == values)
    }

    @Test("big-endian and Fortran order", arguments: ["float32", "float64", "int16"])
    func arrangements(name: String) throws {
        let expected = try read(name)
        #expect(try read(name + "-big") == expected)
        #expect(try read(name + "-fortran") == expected)
    }

    @Test("three axes in Fortran order; versions 2.0 and 3.0", arguments: ["cube-fortran-big", "version2", "version3"])
    func cube(name: String) throws {
        #expect(try read(name) == Tensor((0..<24).map(Int32.init), shape: [2, 3, 4]))
    }

    @Test func scalarAndEmpty() throws {
        #expect(try read("scalar") == Tensor(scalar: Float(2.5)))
        #expect(try read("empty").type == TensorType(.float32, [2, 0, 3]))
    }

    @Test("the elements stay in the mapped file")
    func mapping() throws {
        let tensor = try read("float32")
        #expect(tensor.byteOffset == 128)
        #expect(tensor.storage.bytes.count == 176)
    }

    @Test("what is written is what NumPy writes", arguments: ["float32", "bool", "uint64", "int8", "scalar", "empty"])
    func writing(name: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            try NumPyFile.write(read(name), to: folder + "/x.npy")
            #expect(try bytes(folder + "/x.npy") == bytes(Fixtures.path("numpy/\(name).npy")))
        }
    }

    @Test("bfloat16 is written as float32")
    func bfloat16() throws {
        try Fixtures.withTemporaryFolder { folder in
            let tensor = Tensor([0x3F80, 0xC020] as [UInt16]).reinterpreted(as: .bfloat16)
            try NumPyFile.write(tensor, to: folder + "/x.npy")
            #expect(try NumPyFile.read(folder + "/x.npy") == Tensor([1, -2.5] as [Float]))
        }
    }

    @Test("a file cut anywhere is an error", arguments: ["float32", "version2", "cube-fortran-big"])
    func truncation(name: String) throws {
        let whole = try bytes(Fixtures.path("numpy/\(name).npy"))
        for count in 0..<whole.count {
            #expect(throws: ModelError.self) { try read(bytes: whole.prefix(count)) }
        }
    }

    @Test(arguments: [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}", "than any memory"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4611686018427387904, 8)}", "than any memory"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", "bytes remain"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}", "negative"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "expected an integer"),
        ("{'descr': '<f4', 'fortran_order': False}", "missing"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", "element type '<c8'"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", "is not supported: it has fields"),
        ("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", "expected True or False"),
        ("{'descr': '<f4", "expected '''"),
        ("", "expected '{'"),
    ])
    func damagedHeader(header: String, problem: String) {
        let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
        expectError(containing: problem) { try read(bytes: bytes[...]) }
    }

    @Test func otherErrors() {
        expectError(containing: "cannot be opened") { try read("missing") }
        expectError(containing: "element type '<c8'") { try read("complex") }
        expectError(containing: "is not supported") { try read("structured") }
        expectError(containing: "does not begin with") { try NumPyFile.read(Fixtures.path("numpy/stored.npz")) }
        expectError(containing: "version 9.0") { try read(bytes: [0x93] + Array("NUMPY".utf8) + [9, 0, 0, 0]) }
    }

    @discardableResult
    private func read(_ name: String) throws -> Tensor { try NumPyFile.read(Fixtures.path("numpy/\(name).npy")) }

    @discardableResult
    private func read(bytes: ArraySlice<UInt8>) throws -> Tensor {
        try Fixtures.withTemporaryFolder { folder in
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/x.npy"))
            return try NumPyFile.read(folder + "/x.npy")
        }
    }
}

func bytes(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }

func expectError(containing text: String, _ body: () throws -> some Any) {
    #expect { _ = try body() } throws: { "\($0)".contains(text) }
}
