import Comparison
import GraphIR
import Operators
import TensorCore

/// A graph whose aligned layers do not see each other: a value that goes from the nodes of one aligned origin to nodes of
/// another comes from an input instead. Nodes of one origin, such as a layer and the requantize behind it, stay together.
struct CutGraph {
    /// An input that a cut made.
    struct Feed {
        enum Form {
            case float
            case codes(DataType, QuantizationGrid)
        }

        var input: String
        var form: Form
        /// The pair whose reference goes in.
        var pair: LayerAlignment.Pair
    }

    private(set) var graph: Graph
    private(set) var feeds: [Feed] = []
    private let source: Graph
    /// By origin, then by the index of the output.
    private let pairs: [String: [Int: LayerAlignment.Pair]]
    /// The number of elements of the pairs' values, as far as it is known.
    private let extents: [LayerAlignment.Pair: Int]
    private var copies: [ValueID: ValueID] = [:]
    private var fed: [ValueID: ValueID] = [:]

    /// - Parameters:
    ///   - source: with types.
    ///   - pairs: `candidate` names a value of `source`.
    init(_ source: Graph, pairs: [LayerAlignment.Pair]) {
        self.source = source
        graph = Graph(name: source.name)
        graph.metadata = source.metadata
        let values = Dictionary(source.values.map { ($0.name, $0) }) { first, _ in first }
        var byOrigin: [String: [Int: LayerAlignment.Pair]] = [:], extents: [LayerAlignment.Pair: Int] = [:]
        for pair in pairs {
            guard let value = values[pair.candidate], value.producer != nil else { continue }
            byOrigin[pair.origin, default: [:]][value.outputIndex] = pair
            extents[pair] = value.type?.shape?.elementCount
        }
        self.pairs = byOrigin
        self.extents = extents
        for id in source.topologicalOrder() { copy(source[id]) }
        graph.setOutputs(
            pairs.compactMap { values[$0.candidate] }.filter { $0.producer != nil }.compactMap { copies[$0.id] })
    }

    private mutating func copy(_ node: Node) {
        let inputs = node.inputs.enumerated().map { index, input in input.map { self.input($0, of: node, at: index) } }
        let id = graph.add(
            NodeDraft(
                name: node.name, op: node.op, attributes: node.attributes, inputs: inputs, bodies: node.bodies,
                origins: node.origins, outputNames: node.outputs.map { source[$0].name }))
        for (old, new) in zip(node.outputs, graph[id].outputs) { copies[old] = new }
    }

    /// What a node gets in place of a value of the source.
    private mutating func input(_ id: ValueID, of node: Node, at index: Int) -> ValueID {
        if let producer = source.producer(of: id), producer.origin != node.origin, !isParameter(index, of: node),
            let known = fed[id] ?? feed(source[id], producer)
        {
            return known
        }
        if let known = copies[id] { return known }
        let value = source[id]
        let copy =
            value.tensor.map {
                graph.addParameter(
                    value.name, $0, quantization: value.type?.quantization, attributes: value.attributes)
            } ?? graph.addInput(value.name, type: value.type, attributes: value.attributes)
        copies[id] = copy
        return copy
    }

    /// Operators may need these before any data comes.
    private func isParameter(_ index: Int, of node: Node) -> Bool {
        OperatorTable.standard[node.op]?.mxnet?.parameterInputs(node).contains(index) ?? false
    }

    /// A new input in place of a value; nil for values that no reference has.
    private mutating func feed(_ value: Value, _ producer: Node) -> ValueID? {
        guard let pair = pairs[producer.origin]?[value.outputIndex], let type = value.type,
            extents[pair] == type.shape?.elementCount
        else { return nil }
        let name = value.name + " of the reference"
        let input: ValueID
        if type.dataType.isFloatingPoint {
            feeds.append(Feed(input: name, form: .float, pair: pair))
            input = graph.addInput(name, type: ValueType(.float32, type.shape))
        } else if type.dataType.isCode, let grid = type.quantization?.grid, grid.steps.count == 1 {
            feeds.append(Feed(input: name, form: .codes(type.dataType, grid), pair: pair))
            input = graph.addInput(name, type: type)
        } else if type.dataType.isCode, type.quantization == .foundAtRunTime {
            // Its range is found from the reference's values, as it would be.
            feeds.append(Feed(input: name, form: .float, pair: pair))
            let real = graph.addInput(name, type: ValueType(.float32, type.shape))
            let quantize = graph.add(
                NodeDraft(
                    name: name + "_quantize", op: "Quantize", attributes: ["out_type": .text("\(type.dataType)")],
                    inputs: [real], origins: producer.origins))
            input = graph[quantize].outputs[0]
        } else {
            return nil
        }
        fed[value.id] = input
        return input
    }
}
