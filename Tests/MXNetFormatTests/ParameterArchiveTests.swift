import Foundation
import MXNetFormat
import TensorCore
import TestSupport
import Testing

/// NumPy archives of MXNet 2.0.0b1; the values are those of Fixtures/mxnet2/make.py.
struct ParameterArchiveTests {
    @Test func arraysByBareNames() throws {
        let parameters = try MXNetParameters(reading: Fixtures.path("mxnet2/arrays.npz"))
        #expect(parameters.entries.map(\.name) == ["conv0_weight", "scalar", "empty", "half", "codes"])
        let tensors = parameters.entries.compactMap(\.array.tensor)
        #expect(tensors.map(\.type.description) == [
            "float32 2×3×2×2", "int32 scalar", "float32 0×4", "float16 3", "int8 1×2",
        ])
        #expect(tensors[0].elements(as: Float.self) == (0..<24).map(Float.init))
        #expect(tensors[1].elements(as: Int32.self) == [3])
        #expect(tensors[4].elements(as: Int8.self) == [-1, 2])
    }

    @Test func sparseArraysAndBfloat16() throws {
        let parameters = try MXNetParameters(reading: Fixtures.path("mxnet2/sparse.npz"))
        #expect(parameters.entries.map(\.name) == ["rows", "csr", "dense", "half"])
        #expect(parameters.entries[0].array.tensor == nil)
        let dense = try parameters.entries.map { try $0.array.densified() }
        #expect(dense[0] == Tensor([1, 2, 0, 0, 0, 0, 3, 4, 0, 0] as [Float], shape: [5, 2]))
        #expect(dense[1] == Tensor([0, 1, 0, 0, 0, 0, 2, 0, 3] as [Float], shape: [3, 3]))
        #expect(dense[3].dataType == .bfloat16)
        #expect(dense[3].asFloat32().elements(as: Float.self) == [1, 2, 3])
    }

    /// A sparse array whose shape does not fit its parts is refused when it is used.
    @Test func damagedSparseArrays() throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/x.npz"
            func write(_ shape: Tensor) throws {
                try NumPyArchive.write(
                    [("w/data", Tensor([1] as [Float])), ("w/indices", Tensor([7] as [Int64])), ("w/shape", shape),
                     ("w/indptr", Tensor([0, 1] as [Int64]))], to: path)
            }
            try write(Tensor([1, 3] as [Int64]))
            let array = try #require(try ParameterArchive.read(path).entries.first).array
            expectError(containing: "column 7 lies outside") { try array.densified() }
            try write(Tensor([1, -3] as [Int64]))
            expectError(containing: "negative") { try ParameterArchive.read(path) }
            try write(Tensor([1, 3] as [Int32]))
            expectError(containing: "expected int64") { try ParameterArchive.read(path) }
        }
    }

    /// MXNet 2.0's export calls its archive `.params`.
    @Test func exportOfMXNet2() throws {
        let checkpoint = try MXNetCheckpoint(CheckpointPaths(reading: Fixtures.path("mxnet2/export")))
        let parameters = try #require(checkpoint.parameters)
        let variables = checkpoint.symbol.nodes.filter { $0.isVariable && $0.name != "data" }.map(\.name)
        #expect(parameters.entries.map { MXNetParameters.split($0.name).name } == variables)
        #expect(parameters.auxiliary("1.running_mean")?.tensor?.shape == [4])
    }

    @Test func archivesBesideAPrefix() throws {
        try Fixtures.withTemporaryFolder { folder in
            func touch(_ name: String) throws { try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
            func parameters(epoch: Int? = nil) throws -> String? {
                try CheckpointPaths(reading: folder + "/m", epoch: epoch).parameters?.fileName
            }
            try touch("m-symbol.json")
            #expect(try parameters() == nil)
            try touch("m.npz")
            #expect(try parameters() == "m.npz")
            try touch("m-0001.npz")
            try touch("m-0002.npz")
            #expect(try parameters() == "m-0002.npz")
            #expect(try parameters(epoch: 1) == "m-0001.npz")
            try touch("m-0000.params")
            #expect(try parameters() == "m-0000.params")
        }
    }

    private func expectError(containing text: String, _ body: () throws -> some Any) {
        do {
            _ = try body()
            Issue.record("no error; expected '\(text)'")
        } catch { #expect("\(error)".contains(text), "\(error)") }
    }
}
