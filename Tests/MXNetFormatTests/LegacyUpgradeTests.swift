import TensorCore
import TestSupport
import Testing

import MXNetFormat

@Suite struct LegacyUpgradeTests {
    private func upgrade(_ name: String) throws -> (symbol: MXNetSymbol, changes: [String]) {
        LegacyUpgrade.upgrade(try SymbolReader.read(Fixtures.path("mxnet/\(name)-symbol.json")))
    }

    /// The expected symbols are what MXNet 1.9.1 made of the same files.
    @Test(arguments: ["save_000800", "hidden-keys", "old-0.9.5", "old-0.11.0", "test_mkldnn_model1"])
    func asMXNetDoes(name: String) throws {
        expectUpgrade(try upgrade(name).symbol, is: try SymbolReader.read(Fixtures.path("mxnet/\(name)-upgraded.json")))
    }

    /// One network of hidden keys, states, initializers and axes, by the version that it claims.
    @Test(arguments: [800, 903, 904, 905])
    func asMXNetDoesForEachVersion(version: Int) throws {
        let layout = version == 800 ? "0.8" : "0.9"
        var symbol = try SymbolReader.read(Fixtures.path("mxnet/legacy-\(layout)-symbol.json"))
        if version > 800 { symbol.version = version }
        expectUpgrade(
            LegacyUpgrade.upgrade(symbol).symbol,
            is: try SymbolReader.read(Fixtures.path("mxnet/legacy-\(version)-upgraded.json")))
    }

    private func expectUpgrade(_ symbol: MXNetSymbol, is expected: MXNetSymbol) {
        #expect(symbol.nodes.map(\.name) == expected.nodes.map(\.name))
        for (node, expected) in zip(symbol.nodes, expected.nodes) {
            // The order of attributes is not kept in MXNet.
            #expect(Dictionary(node.attributes.map { ($0, $1) }, uniquingKeysWith: { $1 })
                == Dictionary(expected.attributes.map { ($0, $1) }, uniquingKeysWith: { $1 }), "\(node.name)")
            #expect(node.inputs == expected.inputs)
        }
        #expect(symbol.argumentNodes == expected.argumentNodes)
        #expect(symbol.heads == expected.heads)
        #expect(symbol.version == 10901)
    }

    /// MXNet 1.9.1 leaves this one where it is.
    @Test func profilerScopeIsNoHiddenKey() {
        let node = MXNetSymbol.Node(op: "null", name: "x", attributes: ["profiler_scope": "s:"])
        let symbol = MXNetSymbol(nodes: [node], heads: [.init(node: 0)], version: 10800)
        #expect(LegacyUpgrade.upgrade(symbol).symbol.nodes == [node])
    }

    @Test func changesAreTold() throws {
        let changes = try upgrade("hidden-keys").changes
        #expect(changes.contains("node 'g': lr_mult became __lr_mult__"))
        #expect(changes.contains("node 'p': gamma_lr_mult became __lr_mult__ of 'g'"))
        #expect(changes.contains("node 'am': axis=-1 meant all axes and was left out"))
        let oldest = try upgrade("save_000800").changes
        #expect(oldest.contains("node 'batchnorm0': got the variable 'batchnorm0_moving_var'"))
    }

    @Test(arguments: ["old-1.9.1", "old-2.0.0b1", "../residual/resnet18-mnist/03-none-auto-tw-full", "foreach-subgraph"])
    func newSymbolsStayAsTheyAre(name: String) throws {
        let symbol = try SymbolReader.read(Fixtures.path("mxnet/\(name)-symbol.json"))
        let upgraded = LegacyUpgrade.upgrade(symbol)
        #expect(upgraded.symbol == symbol)
        #expect(upgraded.changes.isEmpty)
    }

    @Test func anUpgradedSymbolStaysAsItIs() throws {
        let once = try upgrade("save_000800").symbol
        #expect(LegacyUpgrade.upgrade(once).symbol == once)
    }

    @Test func fusedNodesOfOneDot5() {
        func fused(_ name: String, _ flag: String, _ subgraphs: [MXNetSymbol] = []) -> MXNetSymbol.Node {
            .init(op: "_sg_mkldnn_conv", name: name, attributes: [flag: "true"], subgraphs: subgraphs)
        }
        let inner = MXNetSymbol(nodes: [fused("b", "with_relu")], heads: [])
        let symbol = MXNetSymbol(nodes: [fused("a", "with_postsum_relu", [inner])], heads: [], version: 10500)
        let upgraded = LegacyUpgrade.upgrade(symbol)
        #expect(upgraded.symbol.nodes[0].attributes == ["with_postsum_act": "true"])
        #expect(upgraded.symbol.nodes[0].subgraphs[0].nodes[0].attributes == ["with_act": "true"])
        #expect(upgraded.changes == [
            "node 'a': with_postsum_relu became with_postsum_act", "in node 'a': node 'b': with_relu became with_act",
        ])
    }
}
