import Foundation
import TensorCore

/// Small networks with random weights around the operators that MXNet's MKL-DNN backend quantizes, as MXNet 1.9.1 saved
/// them at every stage; see Tests/Fixtures/networks/README.md.
public struct SmallNetwork: Sendable, CustomStringConvertible {
    public static let all: [SmallNetwork] =
        ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("networks"))) ?? [])
        .filter { $0 != "data" && !$0.hasSuffix(".md") }.sorted().map(SmallNetwork.init)

    public let name: String
    public var description: String { name }

    public init(name: String) { self.name = name }

    public func path(_ file: String) -> String { Fixtures.path("networks/\(name)/\(file)") }
    public var floatSymbol: String { path("01-fp32-symbol.json") }
    public var floatParameters: String { path("float.params") }
    /// int8 parameters beside the others, where a layer is stored with them.
    public var int8Parameters: String? {
        FileManager.default.fileExists(atPath: path("int8.params")) ? path("int8.params") : nil
    }

    /// Stages whose symbol MXNet saved, beyond the first.
    public var stages: [StageName] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(""))) ?? []).filter { $0.hasSuffix("-symbol.json") }
            .sorted().map { StageName(String($0.dropLast("-symbol.json".count))) }.filter { $0.number > 1 }
    }

    public func symbol(of stage: StageName) -> String { path("\(stage.text)-symbol.json") }

    /// What MXNet was told to leave in float.
    public var excluded: [String] { name == "conv1d" ? ["c1", "c2", "gp", "p1"] : [] }

    public func calibrationTables() throws -> [String: [String: [Double]]] {
        try JSONDecoder().decode(
            [String: [String: [Double]]].self, from: Data(contentsOf: URL(fileURLWithPath: path("calib-tables.json"))))
    }

    /// 32 examples, run as 4 batches of 8.
    public func calibrationArchive() throws -> String {
        let file = try String(contentsOfFile: path("calibration.txt"), encoding: .utf8)
        return Fixtures.path("networks/" + file.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// What was run, and what MXNet computed: `input`, `input-meta`, `05-…-output`, `05-…-output1`.
    public func arrays() throws -> NumPyArchive { try NumPyArchive(path("arrays.npz")) }
}
