import Foundation
import MXNetFormat
import TestSupport
import Testing
import Translation

/// Symbol → graph → symbol, parameters → graph → parameters: the bytes that MXNet wrote, whether or not the operators are
/// known.
struct CheckpointRoundTripTests {
    private static func symbols(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Fixtures.path(folder))
            .filter { $0.hasSuffix("-symbol.json") }.sorted().map { Fixtures.path("\(folder)/\($0)") }
    }

    private static func roundTrip(_ checkpoint: MXNetCheckpoint) throws -> MXNetCheckpoint {
        try MXNetExporter().checkpoint(of: MXNetImporter().graph(of: checkpoint, name: "m").graph)
    }

    static let stages = ResidualNetwork.all.flatMap { network in
        [ResidualStage(network: network, name: "01-fp32")] + network.stages
    }

    @Test(arguments: stages) func stagesComeBackByteForByte(_ stage: ResidualStage) throws {
        let paths = CheckpointPaths(symbol: stage.symbol, parameters: stage.parameters)
        let written = try Self.roundTrip(MXNetCheckpoint(paths))
        let symbol = try String(contentsOfFile: stage.symbol, encoding: .utf8)
        #expect(SymbolWriter.encode(written.symbol) == symbol)
        try Fixtures.withTemporaryFolder { folder in
            try ParametersWriter.write(#require(written.parameters), to: folder + "/p.params")
            #expect(FileManager.default.contentsEqual(atPath: folder + "/p.params", andPath: stage.parameters))
        }
    }

    /// Files of every age, with operators that nothing here knows: what MXNet's own upgrade makes of them comes back.
    @Test(arguments: try symbols(in: "mxnet")) func symbolsOfEveryAgeComeBack(_ path: String) throws {
        let symbol = try SymbolReader.read(path)
        let isCurrent = symbol.version == MXNetExporter.version
        var upgraded = LegacyUpgrade.upgrade(symbol).symbol
        let written = try Self.roundTrip(MXNetCheckpoint(symbol: upgraded, parameters: nil)).symbol
        upgraded.version = MXNetExporter.version
        #expect(Self.withoutVersions(written.nodes) == Self.withoutVersions(upgraded.nodes))
        #expect(written.argumentNodes == upgraded.argumentNodes)
        #expect(written.heads == upgraded.heads)
        #expect(Set(written.attributes.values) == Set(upgraded.attributes.values))
        // Other ages number the hidden outputs otherwise.
        if isCurrent { #expect(SymbolWriter.encode(written) == SymbolWriter.encode(upgraded)) }
    }

    /// Before 1.0, files did not say which inputs an operator changes.
    private static func withoutVersions(_ nodes: [MXNetSymbol.Node]) -> [MXNetSymbol.Node] {
        nodes.map { node in
            var node = node
            for index in node.inputs.indices { node.inputs[index].version = 0 }
            return node
        }
    }

    /// `export` of Gluon mixes arguments and auxiliary states; that order is kept, too.
    @Test(arguments: ["gluon-export", "old-1.9.1", "amp-fp16", "amp-bf16"])
    func parametersKeepTheirOrder(_ prefix: String) throws {
        let paths = try CheckpointPaths(reading: Fixtures.path("mxnet/\(prefix)"))
        let checkpoint = try MXNetCheckpoint(paths)
        let written = try Self.roundTrip(checkpoint)
        #expect(written.parameters == checkpoint.parameters)
    }
}
