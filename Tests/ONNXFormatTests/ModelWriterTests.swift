import Foundation
import TensorCore
import TestSupport
import Testing

@testable import ONNXFormat

@Suite struct ModelWriterTests {
    private static let files = ["storage_forms", "attributes", "control_flow", "functions", "sparse", "external"]

    private func storage(_ bytes: [UInt8]) -> TensorStorage {
        TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
    }

    @Test(arguments: files)
    func whatIsWrittenIsReadBack(name: String) throws {
        let model = try ModelReader.read(Fixtures.path("onnx/\(name).onnx"))
        #expect(try ModelReader.decode(storage(ModelWriter.encode(model))) == model)
        try Fixtures.withTemporaryFolder { folder in
            try ModelWriter.write(model, to: folder + "/copy.onnx")
            #expect(try ModelReader.read(folder + "/copy.onnx") == model)
        }
    }

    /// The bytes of a small model, laid out by hand from the field numbers.
    @Test func theWireFormat() {
        let weight = ONNXTensor(name: "w", Tensor([1, -1] as [Int8]))
        let model = ONNXModel(
            irVersion: 8, opsetImports: [ONNXOpset(version: 300)],
            graph: ONNXGraph(
                name: "g", nodes: [ONNXNode("Neg", inputs: ["w"], outputs: ["y"])], initializers: [weight],
                outputs: [ONNXValueInfo(name: "y", type: .tensor(.int8, shape: [.known(2)]))]))
        let node: [UInt8] = [0x0A, 1, 0x77, 0x12, 1, 0x79, 0x22, 3] + Array("Neg".utf8)
        let tensor: [UInt8] = [0x08, 2, 0x10, 3, 0x42, 1, 0x77, 0x4A, 2, 1, 0xFF]
        let output: [UInt8] = [0x0A, 1, 0x79, 0x12, 10, 0x0A, 8, 0x08, 3, 0x12, 4, 0x0A, 2, 0x08, 2]
        let graph: [UInt8] =
            [0x0A, UInt8(node.count)] + node + [0x12, 1, 0x67, 0x2A, UInt8(tensor.count)] + tensor
            + [0x62, UInt8(output.count)] + output
        #expect(
            ModelWriter.encode(model) == [0x08, 8, 0x3A, UInt8(graph.count)] + graph
                + [0x42, 5, 0x0A, 0, 0x10, 0xAC, 0x02])
    }

    @Test func largeWeightsGoBesideTheModel() throws {
        let large = ONNXTensor(name: "large", Tensor((0..<2000).map { Float($0) }))
        let other = ONNXTensor(name: "other", Tensor((0..<1500).map { Int32($0) }))
        let small = ONNXTensor(name: "small", Tensor([1] as [Float]))
        let graph = ONNXGraph(name: "g", initializers: [large, small, other])
        let model = ONNXModel(irVersion: 8, opsetImports: [ONNXOpset(version: 17)], graph: graph)
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/m.onnx"
            try ModelWriter.write(model, to: path, weights: .external(above: 1024))
            // 8,000 bytes, then 6,000 from the next multiple of 4,096 on.
            let data = try Data(contentsOf: URL(fileURLWithPath: path + ".data"))
            #expect(data.count == 8192 + 6000)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count < 400)
            #expect(try ModelReader.read(path) == model)
            // In place of itself: the weights are still mapped from the file that is replaced.
            try ModelWriter.write(ModelReader.read(path), to: path, weights: .external(above: 1024))
            #expect(try ModelReader.read(path) == model)
        }
    }
}
