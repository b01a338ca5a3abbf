import Foundation
import TensorCore
import TestSupport
import Testing

@testable import ONNXFormat

/// What the onnx package wrote (Tests/Fixtures/onnx/make_fixtures.py), read by us.
@Suite struct ModelReaderTests {
    private func read(_ name: String) throws -> ONNXModel { try ModelReader.read(Fixtures.path("onnx/\(name)")) }

    private struct ExpectedTensor: Decodable {
        var name: String, type: Int32, shape: [Int], bytes: [UInt8]?, strings: [String]
    }

    @Test(arguments: ["storage_forms.onnx", "external.onnx"])
    func tensorsAreWhatTheONNXPackageReads(file: String) throws {
        let json = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("onnx/expected.json")))
        let expected = try #require(try JSONDecoder().decode([String: [ExpectedTensor]].self, from: json)[file])
        let tensors = try read(file).graph.initializers
        #expect(tensors.map(\.name) == expected.map(\.name))
        for (tensor, expected) in zip(tensors, expected) {
            #expect(tensor.elementType.rawValue == expected.type, "\(tensor.name)")
            #expect(tensor.shape.dimensions == expected.shape, "\(tensor.name)")
            switch tensor.payload {
            case .bytes(let bytes): #expect(bytes.elements(as: UInt8.self) == expected.bytes, "\(tensor.name)")
            case .strings(let strings):
                #expect(strings.map { String(decoding: $0, as: UTF8.self) } == expected.strings, "\(tensor.name)")
            }
        }
    }

    @Test func rawDataStaysInTheMappedFile() throws {
        let tensors = try read("storage_forms.onnx").graph.initializers.filter { $0.name.hasPrefix("raw_INT") }
        let storages = try tensors.filter { $0.elementType.dataType != nil }.map { try $0.tensor().storage }
        #expect(storages.count > 3)
        #expect(storages.allSatisfy { $0 === storages[0] })
    }

    @Test func elementTypesWithoutADataTypeAreRefusedByName() throws {
        let tensors = try read("storage_forms.onnx").graph.initializers
        let float8 = try #require(tensors.first { $0.elementType == .float8E4M3FN })
        let error = #expect(throws: ModelError.self) { try float8.tensor() }
        #expect(error?.location == ["tensor 'typed_FLOAT8E4M3FN'"])
        #expect(error?.problem == "float8E4M3FN elements are not supported")
        let half = try #require(tensors.first { $0.name == "typed_FLOAT16" })
        #expect(try half.tensor().floats() == [1, -0.5, 65504])
    }

    @Test func attributesOfEveryKind() throws {
        let graph = try read("attributes.onnx").graph
        let node = graph.nodes[0]
        #expect(node.name == "all" && node.opType == "Everything" && node.domain == "test" && node.docString == "a doc")
        #expect(node.inputs == ["x", "", "x"] && node.outputs == ["y"])

        let pair = Tensor([1, 2] as [Float])
        let tensor = ONNXTensor(name: "t", pair)
        let sparse = ONNXSparseTensor(
            values: tensor, indices: ONNXTensor(name: "i", Tensor([1, 4] as [Int64])), shape: [5])
        let body = ONNXGraph(
            name: "body", nodes: [ONNXNode("Identity", inputs: ["x"], outputs: ["b"])],
            outputs: [ONNXValueInfo(name: "b", type: .tensor(.float32, shape: nil))])
        let types: [ONNXType] = [
            .tensor(.float32, shape: [.known(1), .symbolic("rows"), .unknown]),
            .sequence(of: .tensor(.int64, shape: nil)),
            .map(key: .string, value: .tensor(.float32, shape: [])),
            .optional(of: .sparseTensor(.float32, shape: [.known(4)])),
        ]
        let expected: [(String, ONNXAttribute.Value)] = [
            ("f", .float(1.5)), ("i", .int(.min)), ("s", .string([0xFF, 0] + Array("raw".utf8))),
            ("t", .tensor(tensor)), ("g", .graph(body)), ("sparse", .sparseTensor(sparse)), ("tp", .type(types[0])),
            ("floats", .floats([0.5, -1])), ("ints", .ints([1, -1, 1 << 62])), ("strings", .strings(["a", ""])),
            ("tensors", .tensors([tensor, tensor])), ("graphs", .graphs([body])), ("sparses", .sparseTensors([sparse])),
            ("types", .types(types)), ("none", .ints([])),
        ]
        #expect(node.attributes.map(\.name) == expected.map(\.0))
        for (name, value) in expected { #expect(node.attribute(name) == value, "\(name)") }
    }

    @Test func subgraphsDimensionsAnnotationsAndMetadata() throws {
        let model = try read("control_flow.onnx")
        #expect(model.irVersion == 10 && model.opsetVersion() == 21 && model.opsetVersion(domain: "ai.onnx") == 21)
        #expect(model.producerName == "make_fixtures" && model.producerVersion == "1.0")
        #expect(model.domain == "org.example" && model.modelVersion == 4 && model.docString == "a model")
        let graph = model.graph
        #expect(graph.name == "flow" && graph.docString == "control flow")
        #expect(graph.inputs == [ONNXValueInfo(name: "x", type: .tensor(.float32, shape: [.symbolic("n")]))])
        #expect(graph.valueInfo == [ONNXValueInfo(name: "z", type: .tensor(.float32, shape: [.unknown]))])
        #expect(graph.metadata == [ONNXProperty(key: "origin", value: "here")])
        #expect(graph.nodes[0].metadata == [ONNXProperty(key: "stage", value: "1")])
        let scale = ONNXProperty(key: "SCALE_TENSOR", value: "z_scale")
        #expect(graph.quantizationAnnotations == [ONNXQuantizationAnnotation(tensorName: "z", parameters: [scale])])
        guard case .graph(let then)? = graph.nodes[0].attribute("then_branch"),
            case .graph(let body)? = graph.nodes[1].attribute("body")
        else { Issue.record("the subgraphs are missing"); return }
        #expect(then.nodes.map(\.opType) == ["Relu"])
        #expect(body.inputs.map(\.name) == ["k", "c", "v"] && body.nodes.map(\.opType) == ["Add", "Identity"])
        #expect(try body.initializers.map { try $0.tensor().floats() } == [[1]])
    }

    @Test func functions() throws {
        let model = try read("functions.onnx")
        let function = try #require(model.functions.first)
        #expect(function.domain == "test" && function.name == "ScaledLeakyRelu")
        #expect(function.inputs == ["in"] && function.outputs == ["out"] && function.attributes == ["alpha"])
        #expect(function.attributeDefaults == [ONNXAttribute("slope", .float(0.125))])
        #expect(function.opsetImports == [ONNXOpset(version: 21)])
        #expect(function.nodes[0].attribute("value_float") == .reference("alpha", to: .float))
        #expect(model.graph.nodes[0].attribute("alpha") == .float(2))
    }

    @Test func sparseInitializers() throws {
        let sparse = try #require(try read("sparse.onnx").graph.sparseInitializers.first)
        #expect(sparse.values.name == "w" && sparse.shape == [2, 3])
        #expect(try sparse.values.tensor().floats() == [1.5, -2])
        #expect(try sparse.indices.tensor().asInts() == [1, 5])
    }

    // MARK: Spellings that the onnx package does not choose

    private func storage(_ bytes: [UInt8]) -> TensorStorage {
        TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// protobuf lets a writer pack a row of numbers or not; files have both.
    @Test(arguments: [
        [0x0A, 2, 1, 3, 0x10, 6, 0x2A, 3, 5, 6, 7], [0x08, 1, 0x08, 3, 0x10, 6, 0x28, 5, 0x28, 6, 0x28, 7],
        [0x28, 5, 0x2A, 2, 6, 7, 0x10, 6, 0x08, 1, 0x0A, 1, 3],
    ] as [[UInt8]])
    func numbersMayBePackedOrNot(bytes: [UInt8]) throws {
        try Fixtures.withTemporaryFolder { folder in
            try FileOutput.write(to: folder + "/tensor.pb") { try $0.write(bytes) }
            let tensor = try ModelReader.readTensor(folder + "/tensor.pb").tensor()
            #expect(tensor == Tensor([5, 6, 7] as [Int32], shape: [1, 3]))
        }
    }

    @Test func unknownFieldsArePassedOver() throws {
        // Fields 100 (varint), 101 (8 bytes), 102 (bytes) and 103 (4 bytes) before a graph that is named "g".
        let unknown: [UInt8] =
            [0xA0, 0x06, 1] + [0xA9, 0x06] + [UInt8](repeating: 0xFF, count: 8)
            + [0xB2, 0x06, 2, 0xFF, 0xFF] + [0xBD, 0x06, 0, 0, 0, 0]
        #expect(try ModelReader.decode(storage(unknown + [0x3A, 3, 0x12, 1, 0x67])).graph.name == "g")
    }

    /// protobuf's rule for one of several: the last one counts.
    @Test func theLastOfSeveralTypesCounts() throws {
        let type: [UInt8] = [0x0A, 2, 0x08, 1, 0x22, 0, 0x0A + 0x40, 0, 0x32, 1, 0x64]
        let info: [UInt8] = [0x0A, 1, 0x78, 0x12, UInt8(type.count)] + type
        let graph: [UInt8] = [0x5A, UInt8(info.count)] + info
        let model = try ModelReader.decode(storage([0x3A, UInt8(graph.count)] + graph))
        #expect(model.graph.inputs == [ONNXValueInfo(name: "x", type: .optional(of: nil))])
    }
}
