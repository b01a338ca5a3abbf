import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// MXNet's RNN in ONNX: an LSTM, GRU or RNN for each layer, the steps brought back to T×N×(D·H) behind each, and the last
/// states of all layers concatenated.
struct RNNWriting {
    private let node: NodeReader
    private let options: RNN.Options
    private let packed: PackedRecurrentParameters
    private let vector: Tensor

    /// - Throws: `ModelError` for what ONNX cannot say, and for parameters that depend on an input.
    init(_ node: NodeReader, _ options: RNN.Options) throws {
        guard options.projection == nil else { throw ModelError("ONNX has no LSTM with a projection") }
        self.node = node
        self.options = options
        let data = try node.shape(0)
        guard data.rank == 3 else { throw ModelError("data of shape \(data) is not steps × batch × features") }
        packed = try options.parameters(inputs: data[2])
        guard let vector = try node.constant(1)?.asFloat32() else {
            throw ModelError("its parameters are not constant, so that they cannot be sorted as ONNX wants them")
        }
        guard vector.elementCount == packed.count else {
            throw ModelError("needs \(packed.count) parameters, but there are \(vector.elementCount)")
        }
        self.vector = vector
    }

    func write(into writing: inout ONNXWriting) throws {
        let name = node.node.name
        let states = try (2..<(options.mode == .lstm ? 4 : 3)).map { try writing.name(node, $0) }
        var steps = try writing.name(node, 0)
        var last: [[String]] = states.map { _ in [] }
        for layer in 0..<options.layers {
            let prefix = options.layers == 1 ? name : "\(name)_layer\(layer)"
            let isLast = layer == options.layers - 1
            var inputs = [steps]
            inputs.append(try matrix(packed.weights(ofLayer: layer), "\(prefix)_W", &writing))
            inputs.append(try matrix(packed.recurrentWeights(ofLayer: layer), "\(prefix)_R", &writing))
            inputs.append(try matrix(packed.biases(ofLayer: layer), "\(prefix)_B", &writing))
            inputs += [""]
            for (state, kind) in zip(states, ["h", "c"]) {
                inputs.append(rows(layer, of: state, "\(prefix)_initial_\(kind)", &writing))
            }
            let finals = zip(["h", "c"], states).map { "\(prefix)_last_\($0.0)" }
            writing.emit(
                type, node, inputs: inputs, attributes: attributes, suffix: suffix(layer),
                outputs: ["\(prefix)_steps"] + finals)
            for index in finals.indices { last[index].append(finals[index]) }
            steps = isLast ? writing.output(node) : "\(prefix)_flat"
            flatten("\(prefix)_steps", to: steps, suffix(layer), &writing)
        }
        for (index, states) in last.enumerated() where index + 1 < node.node.outputs.count {
            let output = writing.output(node, index + 1)
            writing.emit(
                "Concat", node, inputs: states, attributes: [ONNXAttribute("axis", .int(0))],
                suffix: "_states\(index)", outputs: [output])
        }
    }

    private func suffix(_ layer: Int) -> String { options.layers == 1 ? "" : "_layer\(layer)" }

    private var type: String {
        switch options.mode {
        case .lstm: "LSTM"
        case .gru: "GRU"
        case .rnn_relu, .rnn_tanh: "RNN"
        }
    }

    private var attributes: [ONNXAttribute] {
        var attributes = [ONNXAttribute("hidden_size", .int(options.cells))]
        if options.isBidirectional { attributes.append(ONNXAttribute("direction", .string("bidirectional"))) }
        switch options.mode {
        case .gru: attributes.append(ONNXAttribute("linear_before_reset", .int(1)))
        case .rnn_relu:
            let names = [String](repeating: "Relu", count: options.directions)
            attributes.append(ONNXAttribute("activations", .strings(names.map { Array($0.utf8) })))
        case .lstm, .rnn_tanh: break
        }
        return attributes
    }

    /// Part of the parameters, its gates in ONNX's order, as an initializer.
    private func matrix(_ view: StridedViewKernel, _ name: String, _ writing: inout ONNXWriting) throws -> String {
        let part = try view.evaluate([vector])[0], gates = RecurrentLayer.gates(ofONNX: type)
        // Biases have all gates twice: on the data, on the state.
        let blocks = options.directions * (part.shape.rank == 2 ? 2 : 1)
        let blockLength = part.elementCount / blocks, gateLength = blockLength / gates.count
        let elements = part.floats()
        let sorted = (0..<blocks).flatMap { block in
            gates.flatMap { gate in
                let start = block * blockLength + (options.gates.firstIndex(of: gate) ?? 0) * gateLength
                return elements[start..<start + gateLength]
            }
        }
        return writing.initializer(name, Tensor(sorted, shape: part.shape))
    }

    /// The states of one layer.
    private func rows(_ layer: Int, of state: String, _ name: String, _ writing: inout ONNXWriting) -> String {
        guard options.layers > 1 else { return state }
        let d = options.directions
        func constant(_ suffix: String, _ value: Int) -> String {
            writing.initializer("\(node.node.name)_\(suffix)\(value)", Tensor([Int64(value)]))
        }
        let bounds = [constant("at", layer * d), constant("at", (layer + 1) * d), constant("axis", 0)]
        writing.emit("Slice", node, inputs: [state] + bounds, suffix: "_\(name)", outputs: [name])
        return name
    }

    /// T×D×N×H → T×N×(D·H)
    private func flatten(_ steps: String, to result: String, _ suffix: String, _ writing: inout ONNXWriting) {
        let name = node.node.name
        if options.directions == 1 {
            let axes = writing.initializer("\(name)_axis1", Tensor([Int64(1)]))
            writing.emit("Squeeze", node, inputs: [steps, axes], suffix: "\(suffix)_flat", outputs: [result])
            return
        }
        let shape = writing.initializer("\(name)_flat_shape", Tensor([0, 0, -1] as [Int64]))
        writing.emit(
            "Transpose", node, inputs: [steps], attributes: [ONNXAttribute("perm", .ints([0, 2, 1, 3]))],
            suffix: "\(suffix)_transposed", outputs: ["\(steps)_transposed"])
        writing.emit(
            "Reshape", node, inputs: ["\(steps)_transposed", shape], suffix: "\(suffix)_flat", outputs: [result])
    }
}
