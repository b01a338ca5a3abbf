import OrderedCollections

/// What MXNet 1.9.1 does to a symbol of an older version when it loads one. In this order, as far as the version asks:
///
/// 1. before 1.9.1: `lr_mult` and its like become hidden keys (`__lr_mult__`); `weight_lr_mult` of an operator moves to
///    the variable that is its weight;
/// 2. before 0.9.0: auxiliary states, which were not nodes then, become variables;
/// 3. before 0.9.4: variables that an operator knows how to initialize get `__init__`;
/// 4. before 0.9.5: `axis=-1` of `argmin` and `argmax`, which meant all axes, goes away;
/// 5. always: fused nodes of 1.5 and before say `with_act` instead of `with_relu`.
///
/// Sources: src/nnvm/legacy_json_util.cc; for 5, the parsers in src/operator/subgraph/mkldnn.
public enum LegacyUpgrade {
    /// The version that is upgraded to: 1.9.1.
    public static let currentVersion = 10901

    /// - Returns: The symbol as MXNet 1.9.1 sees it, its version included, and a sentence for each change.
    public static func upgrade(_ symbol: MXNetSymbol) -> (symbol: MXNetSymbol, changes: [String]) {
        // A file that does not say its version is of 0.8.0.
        let version = symbol.version ?? 800
        var upgrade = SymbolUpgrade(symbol: symbol, version: version)
        upgrade.run()
        upgrade.symbol.version = max(version, currentVersion)
        return (upgrade.symbol, upgrade.changes)
    }
}

private struct SymbolUpgrade {
    var symbol: MXNetSymbol
    /// Subgraphs have none of their own.
    let version: Int
    /// What a sentence about this graph begins with: `in node 'a': ` in a subgraph of it.
    var place = ""
    var changes: [String] = []

    mutating func run() {
        if version < LegacyUpgrade.currentVersion { hideKeys() }
        if version < 900 { addAuxiliaryStates() }
        if version < 904 { setInitializers() }
        if version < 905 { dropAxis() }
        renameFusionFlags()
        upgradeSubgraphs()
    }

    private mutating func note(_ node: MXNetSymbol.Node, _ change: String, kind: String = "node") {
        changes.append("\(place)\(kind) '\(node.name.shortened)': \(change)")
    }

    private mutating func hideKeys() {
        for index in symbol.nodes.indices {
            let node = symbol.nodes[index]
            for (key, value) in node.attributes {
                guard let word = hiddenWords.first(where: { key == $0 || key.hasSuffix("_" + $0) }) else { continue }
                if key == word {
                    symbol.nodes[index].attributes[key] = nil
                    symbol.nodes[index].attributes["__\(word)__"] = value
                    note(node, "\(key) became __\(word)__")
                } else if let input = inputNames[node.op]?.firstIndex(of: String(key.dropLast(word.count + 1))),
                    input < node.inputs.count, symbol.nodes[node.inputs[input].node].isVariable
                {
                    let variable = node.inputs[input].node
                    symbol.nodes[index].attributes[key] = nil
                    symbol.nodes[variable].attributes["__\(word)__"] = value
                    note(node, "\(key) became __\(word)__ of '\(symbol.nodes[variable].name.shortened)'")
                }
            }
        }
    }

    private mutating func addAuxiliaryStates() {
        var nodes: [MXNetSymbol.Node] = []
        // Variables are put before the operator that needs them, so indices move.
        var newIndices: [Int] = []
        for var node in symbol.nodes {
            node.inputs = node.inputs.map { .init(node: newIndices[$0.node], output: $0.output, version: $0.version) }
            node.controlDependencies = node.controlDependencies.map { newIndices[$0] }
            let missing = auxiliaryStates.contains(node.op) ? inputNames[node.op]?.dropFirst(node.inputs.count) : nil
            for name in missing ?? [] {
                var attributes = node.attributes
                attributes["__init__"] = nil
                node.inputs.append(.init(node: nodes.count))
                nodes.append(.init(op: "null", name: "\(node.name)_\(name)", attributes: attributes))
                note(node, "got the variable '\(node.name.shortened)_\(name)'")
            }
            newIndices.append(nodes.count)
            nodes.append(node)
        }
        guard nodes.count > symbol.nodes.count else { return }
        symbol = MXNetSymbol(
            nodes: nodes,
            heads: symbol.heads.map { .init(node: newIndices[$0.node], output: $0.output, version: $0.version) },
            attributes: symbol.attributes)
    }

    private mutating func setInitializers() {
        for node in symbol.nodes {
            for (name, value) in initializers[node.op] ?? [:] {
                guard let input = inputNames[node.op]?.firstIndex(of: name), input < node.inputs.count else { continue }
                let variable = node.inputs[input].node
                guard symbol.nodes[variable].isVariable, symbol.nodes[variable].attributes["__init__"] == nil else {
                    continue
                }
                symbol.nodes[variable].attributes["__init__"] = value
                note(symbol.nodes[variable], "is initialized by \(value)", kind: "variable")
            }
        }
    }

    private mutating func dropAxis() {
        for (index, node) in symbol.nodes.enumerated()
        where ["argmin", "argmax"].contains(node.op) && node.attributes["axis"] == "-1" {
            symbol.nodes[index].attributes["axis"] = nil
            note(node, "axis=-1 meant all axes and was left out")
        }
    }

    private mutating func renameFusionFlags() {
        for (index, node) in symbol.nodes.enumerated() {
            for (old, new) in fusionFlags[node.op] ?? [:] {
                guard let value = node.attributes[old] else { continue }
                symbol.nodes[index].attributes[old] = nil
                symbol.nodes[index].attributes[new] = value
                note(node, "\(old) became \(new)")
            }
        }
    }

    private mutating func upgradeSubgraphs() {
        for (index, node) in symbol.nodes.enumerated() {
            for (position, subgraph) in node.subgraphs.enumerated() {
                let place = "in node '\(node.name.shortened)': "
                var upgrade = SymbolUpgrade(symbol: subgraph, version: version, place: place)
                upgrade.run()
                symbol.nodes[index].subgraphs[position] = upgrade.symbol
                changes += upgrade.changes
            }
        }
    }
}

extension String {
    /// A name as part of a sentence: one long name must not be repeated in thousands of them.
    fileprivate var shortened: String { utf8.count > 100 ? String(prefix(100)) + "…" : self }
}

// MARK: - What the old versions knew of their operators

private let hiddenWords = ["ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage"]

private let inputNames = [
    "FullyConnected": ["data", "weight", "bias"],
    "Convolution": ["data", "weight", "bias"],
    "Convolution_v1": ["data", "weight", "bias"],
    "Deconvolution": ["data", "weight", "bias"],
    "Embedding": ["data", "weight"],
    "UpSampling": ["data", "weight"],
    "LeakyReLU": ["data", "gamma"],
    "InstanceNorm": ["data", "gamma", "beta"],
    "RNN": ["data", "parameters", "state", "state_cell"],
    "BatchNorm": ["data", "gamma", "beta", "moving_mean", "moving_var"],
    "BatchNorm_v1": ["data", "gamma", "beta", "moving_mean", "moving_var"],
    "CuDNNBatchNorm": ["data", "gamma", "beta", "moving_mean", "moving_var"],
    "IdentityAttachKLSparseReg": ["data", "moving_avg"],
    "SoftmaxOutput": ["data", "label"],
    "SVMOutput": ["data", "label"],
    "LinearRegressionOutput": ["data", "label"],
    "LogisticRegressionOutput": ["data", "label"],
    "MAERegressionOutput": ["data", "label"],
]

/// The operators whose last inputs are auxiliary states; other inputs were nodes even in 0.8.
private let auxiliaryStates: Set = ["BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm", "IdentityAttachKLSparseReg"]

private let initializers: [String: OrderedDictionary<String, String>] = [
    "BatchNorm": ["moving_mean": #"["zero", {}]"#, "moving_var": #"["one", {}]"#],
    "CuDNNBatchNorm": ["moving_mean": #"["zero", {}]"#, "moving_var": #"["one", {}]"#],
    "BatchNorm_v1": ["moving_mean": #"["zero", {}]"#, "moving_var": #"["one", {}]"#],
    "IdentityAttachKLSparseReg": ["moving_avg": #"["zero", {}]"#],
    "LeakyReLU": ["gamma": #"["Constant", {"value": 0.25}]"#],
    "UpSampling": ["weight": #"["bilinear", {}]"#],
]

private let fusionFlags: [String: OrderedDictionary<String, String>] = [
    "_sg_mkldnn_conv": ["with_relu": "with_act", "with_postsum_relu": "with_postsum_act"],
    "_sg_mkldnn_fully_connected": ["with_relu": "with_eltwise"],
]
