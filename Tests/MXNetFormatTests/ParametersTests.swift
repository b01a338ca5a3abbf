import Foundation
import TensorCore
import TestSupport
import Testing

@testable import MXNetFormat

@Suite struct ParametersTests {
    private func read(_ name: String) throws -> MXNetParameters {
        try ParametersReader.read(Fixtures.path("mxnet/\(name)"))
    }

    @Test(arguments: MXNetFixture.names(endingWith: ".params").filter { !$0.hasPrefix("malformed") }
        + ["legacy_ndarray.v0", "../../../Samples/mnist/resnet18-mnist-0000.params"])
    func writingGivesTheSameBytes(name: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            try ParametersWriter.write(try read(name), to: folder + "/copy.params")
            let copy = try Data(contentsOf: URL(fileURLWithPath: folder + "/copy.params"))
            #expect(copy == Data(try MXNetFixture.bytes(name)))
        }
    }

    @Test func elementTypes() throws {
        let parameters = try read("dtypes.params")
        for type: DataType in [.float32, .float64, .float16, .uint8, .int32, .int8, .int64, .bool] {
            let tensor = try #require(parameters.argument(type.rawValue)?.tensor)
            #expect(tensor.type == TensorType(type, [2, 3]))
            #expect(tensor.floats() == (type == .bool ? [0, 1, 0, 1, 0, 1] : [0, 1, 2, 3, 4, 5]))
        }
        #expect(parameters.argument("bfloat16")?.tensor?.floats() == [1, -2.5, 3.140625, 0.00099945068359375, 65536, 0])
        #expect(parameters.auxiliary("float32_1d")?.tensor?.floats() == [1, 2, 3])
        #expect(parameters.argument("float32_4d")?.tensor?.shape == [1, 2, 3, 4])
        #expect(parameters["arg:scalar1"]?.tensor?.floats() == [7.5])
        #expect(MXNetParameters.split("aux:float32_1d") == (.auxiliary, "float32_1d"))
        #expect(parameters.entries.allSatisfy { $0.array.version == .v2 && $0.array.device == .cpu })
    }

    @Test func typeFlags() {
        for flag in 0...12 { #expect(DataType(mxnetTypeFlag: flag)?.mxnetTypeFlag == flag) }
        #expect(DataType(mxnetTypeFlag: 13) == nil && DataType(mxnetTypeFlag: -1) == nil)
    }

    @Test func sparseArrays() throws {
        let parameters = try read("sparse.params")
        #expect(parameters.argument("rsp")?.storage == .rowSparse(
            data: Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), indices: Tensor([1, 4] as [Int64]), shape: [6, 2]))
        #expect(parameters.argument("csr")?.storage == .compressedRows(
            data: Tensor([1, 2, 3] as [Float]), rowPointers: Tensor([0, 2, 2, 3] as [Int64]),
            columns: Tensor([0, 2, 1] as [Int64]), shape: [3, 4]))
        guard case .rowSparse(let values, _, [6, 2]) = parameters.argument("rsp_zero")?.storage else {
            Issue.record("rsp_zero is not row-sparse")
            return
        }
        #expect(values.shape == [0, 2])
        #expect(parameters.argument("rsp")?.tensor == nil)
    }

    @Test func sparseArraysBecomeDense() throws {
        let parameters = try read("sparse.params")
        #expect(try parameters.argument("rsp")?.densified()
            == Tensor([0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 0, 0] as [Float], shape: [6, 2]))
        #expect(try parameters.argument("csr")?.densified()
            == Tensor([1, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0] as [Float], shape: [3, 4]))
        #expect(try parameters.argument("csr_f64")?.densified() == Tensor([0, 0, 0, 1.5] as [Double], shape: [2, 2]))
        #expect(try parameters.argument("rsp_zero")?.densified().floats() == [Float](repeating: 0, count: 12))
    }

    @Test func numPyShapes() throws {
        let parameters = try read("np_shape.params")
        #expect(parameters["zero_d"]?.tensor == Tensor(scalar: 3.25 as Float))
        #expect(parameters["zero_size"]?.tensor?.shape == [2, 0, 3])
        #expect(parameters["int64"]?.tensor == Tensor([1, 2] as [Int64]))
        #expect(parameters.entries.allSatisfy { $0.array.version == .v3 })
    }

    @Test func names() throws {
        let unnamed = try read("list-unnamed.params")
        #expect(unnamed.entries.map { $0.array.tensor?.floats() } == [[1, 2], [3]])
        #expect(!unnamed.isNamed && unnamed[""] == nil)
        #expect(try read("empty-dict.params").entries.isEmpty)
        #expect(try read("gluon-save_parameters.params")["0.weight"]?.tensor?.shape == [2, 1, 3, 3])
        #expect(MXNetParameters.split("0.weight") == (nil, "0.weight"))
    }

    @Test func everyAgeTellsTheSameArrays() throws {
        let now = try read("old-1.9.1-0000.params")
        let versions: [String: MXNetArray.Version] = [
            "0.9.5": .v0, "0.11.0": .v1, "1.0.0.post4": .v2, "1.5.1.post0": .v2, "1.7.0": .v2, "2.0.0b1": .v3,
        ]
        for (name, version) in versions {
            let parameters = try read("old-\(name)-0000.params")
            #expect(parameters.entries.allSatisfy { $0.array.version == version })
            for entry in now.entries {
                // 2.0 leaves out arg: and aux:.
                let bare = MXNetParameters.split(entry.name).name
                let values = try #require((parameters[entry.name] ?? parameters[bare])?.tensor)
                let expected = try #require(entry.array.tensor)
                #expect(values.type == expected.type)
                // Until 1.0, halves were rounded toward zero when they were made.
                #expect(zip(values.floats(), expected.floats()).allSatisfy { abs($0 - $1) < 0.001 }, "\(name) \(bare)")
            }
        }
        let oldest = try read("legacy_ndarray.v0")
        #expect(oldest.entries.count == 6 && !oldest.isNamed)
        #expect(oldest.entries[0].array.tensor?.floats() == (0..<128).map { Float($0) })
    }

    @Test func arraysOfOurOwn() throws {
        let parameters = MXNetParameters(entries: [
            .init(name: "arg:w", array: MXNetArray(Tensor([1, 2] as [Float]))),
            .init(name: "aux:s", array: MXNetArray(Tensor(scalar: 3 as Float))),
        ])
        // A scalar only exists under NumPy's shapes.
        #expect(parameters.entries.map(\.array.version) == [.v2, .v3])
        try Fixtures.withTemporaryFolder { folder in
            try ParametersWriter.write(parameters, to: folder + "/a.params")
            #expect(try ParametersReader.read(folder + "/a.params") == parameters)
        }
    }

    private func list(_ arrays: [MXNetArray]) -> MXNetParameters {
        MXNetParameters(entries: arrays.map { .init(name: "", array: $0) }, isNamed: false)
    }

    @Test func whatAVersionCannotHold() throws {
        let scalar = Tensor(scalar: 1 as Float)
        try Fixtures.withTemporaryFolder { folder in
            for version: MXNetArray.Version in [.v0, .v1, .v2] {
                let parameters = list([MXNetArray(.dense(scalar), version: version)])
                #expect(throws: ModelError.self) { try ParametersWriter.write(parameters, to: folder + "/x") }
            }
            let none = list([MXNetArray.Version.v0, .v1, .v2, .v3].map { .init(.none, version: $0) })
            try ParametersWriter.write(none, to: folder + "/none.params")
            #expect(try ParametersReader.read(folder + "/none.params") == none)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["none.params"])
        }
    }
}

@Suite struct DamagedParametersTests {
    private func refusal(_ bytes: [UInt8]) -> String {
        do { _ = try ParametersReader.decode(MXNetFixture.storage(bytes)) } catch { return "\(error)" }
        return "nothing was wrong"
    }

    private func little<Value: FixedWidthInteger>(_ values: Value...) -> [UInt8] {
        values.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
    }

    private func list(of count: UInt64, _ rest: [UInt8]) -> [UInt8] { little(0x112 as UInt64, 0, count) + rest }

    private func v2(_ dimensions: [Int64], type: Int32 = 0, _ rest: [UInt8] = []) -> [UInt8] {
        little(0xF993_FAC9 as UInt32) + little(0, Int32(dimensions.count)) + dimensions.flatMap { little($0) }
            + little(1, 0, type) + rest
    }

    @Test(arguments: ["sparse", "np_shape", "dtypes", "old-0.9.5-types", "old-0.11.0-types"].map { $0 + ".params" })
    func everyPrefixIsRefused(name: String) throws {
        let bytes = try MXNetFixture.bytes(name)
        for length in 0..<bytes.count { #expect(refusal(Array(bytes[..<length])) != "nothing was wrong") }
        #expect(refusal(bytes + [0]).hasSuffix("byte \(bytes.count): 1 bytes follow the end; the file looks damaged."))
    }

    @Test(arguments: ["sparse.params", "np_shape.params", "old-0.9.5-types.params"])
    func everyChangedByteIsReadOrRefused(name: String) throws {
        var bytes = try MXNetFixture.bytes(name)
        for index in bytes.indices {
            for mask: UInt8 in [0x01, 0x40, 0x80, 0xFF] {
                bytes[index] ^= mask
                if let parameters = try? ParametersReader.decode(MXNetFixture.storage(bytes)) {
                    for entry in parameters.entries { _ = try? entry.array.densified() }
                }
                bytes[index] ^= mask
            }
        }
    }

    @Test func claims() {
        let end = little(0 as UInt64), huge = 1 << 60 as UInt64
        #expect(refusal(list(of: huge, end)).hasPrefix("byte 16: the number of arrays is 1152921504606846976"))
        #expect(refusal(list(of: 1, v2([1 << 40, 1 << 40]) + end)).contains("more elements than any memory holds"))
        #expect(refusal(list(of: 1, v2([-3]) + end)).contains("negative dimension"))
        #expect(refusal(list(of: 1, v2([20, 60]) + end))
            == "array 1 of 1, byte 64: 1200 float32 values of shape (20, 60) are claimed, "
            + "but 8 bytes remain; the file looks truncated.")
        #expect(refusal(list(of: 1, v2([1], type: 13)))
            == "array 1 of 1, byte 52: element type 13 is not known; expected 0 to 12.")
        #expect(refusal(list(of: 1, little(0x7777 as UInt32) + end))
            == "array 1 of 1, byte 24: 30583 is neither the mark of an array nor a rank; the file looks damaged.")
    }

    @Test func claimsOfNames() {
        let one = v2([1], little(1 as UInt32)), huge = 1 << 60 as UInt64
        #expect(refusal(list(of: 1, one + little(huge))).contains("the number of names is 1152921504606846976"))
        #expect(refusal(list(of: 1, one + little(1, huge))).contains("the length of the name is 1152921504606846976"))
        let name = little(1 as UInt64) + Array("a".utf8)
        #expect(refusal(list(of: 2, one + one + little(2 as UInt64) + name + name)) == "two arrays are called 'a'.")
        #expect(refusal(list(of: 0, little(1, 0 as UInt64))) == "there are 0 arrays, but 1 names.")
    }

    @Test func whatIsNoParametersFile() throws {
        #expect(refusal([]) == "the file is empty.")
        #expect(refusal(Array("hello".utf8)) == "byte 0: 5 bytes are too few for a .params file.")
        #expect(refusal([UInt8](repeating: 7, count: 100))
            == "byte 0: this is no .params file: it does not begin with 0x112.")
        #expect(refusal(try MXNetFixture.bytes("np-symbol.json")).hasPrefix("this is JSON; a .params file was"))
        #expect(refusal(try MXNetFixture.bytes("malformed-none-array.params"))
            .hasPrefix("array 1 of 2, byte 28: the array was never defined; MXNet stops writing there"))
    }

    /// Two values in compressed rows.
    private func rows(_ pointers: [Int64], _ columns: [Int64], _ shape: Shape) -> MXNetArray.Storage {
        .compressedRows(
            data: Tensor([1, 2] as [Float]), rowPointers: Tensor(pointers), columns: Tensor(columns), shape: shape)
    }

    @Test func sparseIndices() {
        let values = Tensor([1, 2] as [Float], shape: [2, 1])
        for storage: MXNetArray.Storage in [
            .rowSparse(data: values, indices: Tensor([0, 3] as [Int64]), shape: [3, 1]),
            .rowSparse(data: values, indices: Tensor([-1, 0] as [Int64]), shape: [3, 1]),
            .rowSparse(data: values, indices: Tensor([0, 1] as [Int64]), shape: [3, 2]),
            .rowSparse(data: values, indices: Tensor([0] as [Int64]), shape: [3, 1]),
            .rowSparse(data: values, indices: Tensor([0, 1] as [Float]), shape: [3, 1]),
            .rowSparse(data: values, indices: Tensor([0, 1] as [Int64]), shape: [1 << 50, 1]),
            rows([0, 1, 3], [0, 1], [2, 2]),
            rows([0, 2, 1], [0, 1], [2, 2]),
            rows([0, 1, 2], [0, 2], [2, 2]),
            rows([0, 1, 2], [0, 1], [3, 2]),
            .none,
        ] {
            #expect(throws: ModelError.self) { try MXNetArray(storage).densified() }
        }
    }
}
