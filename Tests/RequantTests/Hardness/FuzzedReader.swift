import Foundation
import MXNetFormat
import ONNXFormat
import Operators
import Translation

@testable import Datasets
@testable import TensorCore

/// The readers of files that anybody may have made, each with all that follows a file on its way into the library.
///
/// The tests hand them mutated files; `Tests/fuzz` builds them into libFuzzer.
enum FuzzedReader: String, CaseIterable {
    case symbol, parameters, records, index, image, npy, npz, onnx

    /// Reads the file that these bytes are.
    /// - Parameter scratch: A path that may be written: two of the readers take files only.
    /// - Throws: whatever the reader throws; it should be `ModelError`.
    func read(_ bytes: UnsafeRawBufferPointer, scratch: String) throws {
        switch self {
        case .symbol: try Self.translate(SymbolReader.decode(Self.storage(bytes)), MXNetParameters())
        case .parameters:
            let parameters = try ParametersReader.decode(Self.storage(bytes))
            try Self.translate(MXNetSymbol(nodes: [], heads: []), parameters)
        case .records:
            try Self.write(bytes, scratch + ".rec")
            try Self.readImages(ImageRecords(scratch + ".rec"))
        case .index:
            try Self.write(bytes, scratch + ".idx")
            let records = try IndexedRecords(Self.indexedRecords, index: scratch + ".idx")
            try Self.forEach(0..<records.count) { _ = try records[$0] }
        case .image:
            for gray in [false, true] { _ = try ImageDecoder.decode(bytes, gray: gray) }
        case .npy: _ = try NumPyFile.read(Self.storage(bytes), from: 0, to: bytes.count)
        case .npz:
            try Self.write(bytes, scratch + ".npz")
            let archive = try NumPyArchive(scratch + ".npz")
            try Self.forEach(archive.names) { _ = try archive.tensor(named: $0) }
        case .onnx:
            let model = try ModelReader.decode(Self.storage(bytes))
            var graph = try ONNXImporter().graph(of: model, name: "fuzzed").graph
            try TypeInference().annotate(&graph, shapes: [:])
        }
    }

    /// What the mutations start from, in `Tests/Fixtures`: a folder, and what the names of its files end in.
    var seeds: (folder: String, suffixes: [String]) {
        switch self {
        case .symbol: ("mxnet", ["-symbol.json"])
        case .parameters: ("mxnet", [".params", ".v0"])
        case .records: ("mxnet", [".rec"])
        case .index: ("datasets", [".idx"])
        case .image: ("datasets/kinds", [".png", ".jpg", ".jpeg"])
        case .npy: ("numpy", [".npy"])
        case .npz: ("numpy", [".npz"])
        case .onnx: ("onnx", [".onnx"])
        }
    }

    /// The file that a fuzzed index belongs to.
    private static let indexedRecords = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/datasets/photos-1label.rec").path

    private static func translate(_ symbol: MXNetSymbol, _ parameters: MXNetParameters?) throws {
        let upgraded = LegacyUpgrade.upgrade(symbol).symbol
        let checkpoint = MXNetCheckpoint(symbol: upgraded, parameters: parameters)
        var graph = try MXNetImporter().graph(of: checkpoint, name: "fuzzed").graph
        try TypeInference().annotate(&graph, shapes: [:])
    }

    private static func readImages(_ images: ImageRecords) throws {
        try forEach(0..<images.count) {
            _ = try images.label(at: $0)
            _ = try images.image(at: $0, gray: false)
        }
    }

    /// Does all, and then throws the first error, if there was one.
    private static func forEach<Items: Sequence>(_ items: Items, _ body: (Items.Element) throws -> Void) throws {
        var first: (any Error)?
        for item in items { do { try body(item) } catch { first = first ?? error } }
        if let first { throw first }
    }

    private static func storage(_ bytes: UnsafeRawBufferPointer) -> TensorStorage {
        TensorStorage(byteCount: bytes.count) { $0.copyMemory(from: bytes) }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}
