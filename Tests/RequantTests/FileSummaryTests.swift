import Foundation
import MXNetFormat
import Requant
import TensorCore
import TestSupport
import Testing

/// What `inspect` says of files and of how they fit, on files that MXNet wrote.
struct FileSummaryTests {
    @Test(arguments: [
        ("mxnet/dtypes.params", FileKind.parameters), ("mxnet/legacy_ndarray.v0", .parameters),
        ("mxnet2/arrays.npz", .archive), ("mxnet2/export-0003.params", .archive), ("numpy/scalar.npy", .array),
        ("datasets/images.rec", .records), ("mxnet/old-1.9.1-symbol.json", .model), ("onnx/attributes.onnx", .model),
        ("mxnet/old-1.9.1", .model),
    ])
    func kinds(_ file: String, _ kind: FileKind) throws { #expect(try FileKind(of: Fixtures.path(file)) == kind) }

    /// The layout of the arrays tells who wrote them.
    @Test(arguments: [
        ("old-0.9.5-0000", "MXNet before 0.11"), ("old-0.11.0-0000", "MXNet 0.11 or 0.12"),
        ("old-1.0.0.post4-0000", "MXNet 1.0 to 1.9"), ("old-1.9.1-0000", "MXNet 1.0 to 1.9"),
        ("old-2.0.0b1-0000", "MXNet 2.0, or an older one under NumPy's shapes"), ("../mxnet2/export-0003", "MXNet 2.0"),
    ])
    func ages(_ name: String, _ age: String) throws {
        let path = Fixtures.path("mxnet/\(name).params")
        let summary = try ArrayFileSummary(reading: path, kind: FileKind(of: path))
        #expect(summary.age == age)
        #expect(summary.naming?.hasPrefix("a checkpoint") == true)
        #expect(summary.arrays.count == 8)
        #expect(summary.arrays.filter { $0.kind == "aux" }.count == 2)
    }

    /// Shapes of sparse arrays are those with their zeros; bytes are those that are stored.
    @Test(arguments: ["mxnet/sparse.params", "mxnet2/sparse.npz"]) func sparse(_ file: String) throws {
        let path = Fixtures.path(file)
        let rows = try ArrayFileSummary(reading: path, kind: FileKind(of: path)).arrays
        #expect(rows[0].storage == .rowSparse && rows[1].storage == .compressedRows)
        #expect(rows[0].shape == (file.hasSuffix("npz") ? [5, 2] : [6, 2]))
        // 4 values, 2 indices.
        #expect(rows[0].bytes == 4 * 4 + 2 * 8)
    }

    /// Of a packed member, only the header is unpacked.
    @Test func typesWithoutElements() throws {
        let archive = try NumPyArchive(Fixtures.path("numpy/deflated.npz"))
        for name in archive.names {
            #expect(try archive.type(named: name) == archive.tensor(named: name).type)
        }
        #expect(throws: ModelError.self) { try NumPyFile.type(Fixtures.path("numpy/complex.npy")) }
    }

    /// Fixtures/datasets/README.md says what the records are.
    @Test func records() throws {
        let summary = try RecordFileSummary(reading: Fixtures.path("datasets/images.rec"), limit: 100)
        #expect(summary.count == 32 && summary.isIndexed && summary.rows.count == 32)
        #expect(summary.rows.allSatisfy { $0.width == 56 && $0.height == 40 })
        #expect(summary.rows.filter { $0.image == "PNG" }.count == 1)
        #expect(summary.rows.filter { $0.labels?.count == 3 }.count == 8)
        let other = try RecordFileSummary(reading: Fixtures.path("mxnet/escapes.rec"))
        #expect(other.count == 12 && !other.isIndexed && other.rows.allSatisfy { $0.image == nil && $0.labels == nil })
    }

    // MARK: Models

    /// A label that reaches its operator through another node is one, too.
    @Test func labels() throws {
        try Fixtures.withTemporaryFolder { folder in
            let symbol = """
                {"nodes": [{"op": "null", "name": "data", "inputs": []},
                  {"op": "null", "name": "softmax_label", "inputs": []},
                  {"op": "MyReshape", "name": "flat", "inputs": [[1, 0, 0]]},
                  {"op": "SoftmaxOutput", "name": "softmax", "inputs": [[0, 0, 0], [2, 0, 0]]}],
                 "arg_nodes": [0, 1], "heads": [[3, 0, 0]], "attrs": {"mxnet_version": ["int", 905]}}
                """
            try symbol.write(toFile: folder + "/m-symbol.json", atomically: true, encoding: .utf8)
            let summary = try Model.load(folder + "/m").summary()
            #expect(summary.inputs.map(\.name) == ["data", "softmax_label"])
            #expect(summary.inputs.map(\.isLabel) == [false, true])
            #expect(summary.inputsWithoutShape == ["data"])
            #expect(summary.possible.isEmpty)
            #expect(summary.obstacles.allSatisfy { $0.advice != nil })
        }
    }

    /// One parameter is left out, one is too much, one has another shape, one another type.
    @Test func parametersThatDoNotFit() throws {
        try Fixtures.withTemporaryFolder { folder in
            var checkpoint = try MXNetCheckpoint(CheckpointPaths(reading: Fixtures.path("mxnet/gluon-export")))
            var parameters = try #require(checkpoint.parameters)
            func index(_ ending: String) throws -> Int {
                try #require(parameters.entries.firstIndex { $0.name.hasSuffix(ending) })
            }
            parameters.entries[try index("conv0_weight")].array = MXNetArray(Tensor([Float](repeating: 1, count: 9), shape: [1, 1, 3, 3]))
            parameters.entries[try index("conv0_bias")].array = MXNetArray(Tensor([0, 0] as [Double]))
            parameters.entries.remove(at: try index("batchnorm0_gamma"))
            parameters.entries.append(.init(name: "arg:surplus", array: MXNetArray(Tensor([0] as [Float]))))
            checkpoint.parameters = parameters
            try checkpoint.write(to: CheckpointPaths(writing: folder + "/m"))

            let summary = try Model.load(folder + "/m").summary()
            #expect(summary.missing == ["g_batchnorm0_gamma"])
            #expect(summary.superfluous == ["surplus"])
            #expect(summary.mismatched.contains("'g_conv0_weight' is 1×1×3×3, but the symbol says (2, 1, 3, 3)"))
            #expect(summary.mismatched.contains("'g_conv0_bias' is float64, but the symbol says float32"))
            #expect(summary.possible.isEmpty)
        }
    }

    @Test func upgradesAreTold() throws {
        let old = try Model.load(Fixtures.path("mxnet/legacy-0.8-symbol.json")).summary()
        #expect(old.upgrades.contains { $0.contains("got the variable") })
        #expect(try Model.load(Fixtures.path("mxnet/old-1.9.1")).summary().upgrades.isEmpty)
    }
}
