import Foundation
import TensorCore

/// The two trained residual networks as MXNet 1.9.1 saved them at every stage; see Tests/Fixtures/residual/README.md.
public struct ResidualNetwork: Sendable, CustomStringConvertible {
    public static let mnist = ResidualNetwork(name: "resnet18-mnist")
    public static let photos = ResidualNetwork(name: "resnet18-photos")
    public static let all = [mnist, photos]

    public let name: String
    public var description: String { name }

    public func path(_ file: String) -> String { Fixtures.path("residual/\(name)/\(file)") }

    public var floatSymbol: String { path("01-fp32-symbol.json") }

    public var floatParameters: String {
        name == "resnet18-mnist" ? Fixtures.sample("mnist/resnet18-mnist-0000.params") : path("float.params")
    }

    /// The stages whose symbol MXNet saved, beyond the first.
    public var stages: [ResidualStage] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path(""))) ?? []
        return files.filter { $0.hasSuffix("-symbol.json") }.sorted()
            .map { ResidualStage(network: self, name: String($0.dropLast("-symbol.json".count))) }
            .filter { $0.number > 1 }
    }

    /// What MXNet's calibration found: by configuration (`naive-auto-tw-full`), value or node, and minimum, maximum.
    public func calibrationTables() throws -> [String: [String: [Double]]] {
        try JSONDecoder().decode(
            [String: [String: [Double]]].self, from: Data(contentsOf: URL(fileURLWithPath: path("calib-tables.json"))))
    }
}

/// A stage that MXNet saved: `05-naive-postfused-auto-tw-full-excl2`.
public struct ResidualStage: Sendable, CustomStringConvertible {
    public let network: ResidualNetwork
    public let name: String
    public var description: String { "\(network.name)/\(name)" }

    public init(network: ResidualNetwork, name: String) {
        self.network = network
        self.name = name
    }

    private var parsed: StageName { StageName(name) }
    public var number: Int { parsed.number }
    public var symbol: String { network.path("\(name)-symbol.json") }
    public var codeType: String { parsed.codeType }
    public var isChannelWise: Bool { parsed.isChannelWise }
    public var isSmart: Bool { parsed.isSmart }
    public var isPostFused: Bool { parsed.isPostFused }
    public var usesEntropy: Bool { parsed.usesEntropy }

    public var excluded: [String] {
        let layers = ["resnetv10_conv0_fwd", "resnetv10_stage1_conv0_fwd"]
        return name.hasSuffix("excl1") ? [layers[0]] : name.hasSuffix("excl2") ? layers : []
    }

    /// The key of its table in `calib-tables.json`.
    public var tableKey: String {
        let suffix = excluded.isEmpty ? [] : ["excl\(excluded.count)"]
        return ([parsed.tableKey] + suffix).joined(separator: "-")
    }

    /// The parameters that MXNet saved with it: int8 ones where the layer is quantized tensor-wise.
    public var parameters: String {
        number >= 3 && !isChannelWise ? network.path("int8.params") : network.floatParameters
    }
}
