import GraphIR
import Kernels
import TensorCore

/// ONNX's recurrent layers as MXNet's RNN: the parameters in one vector, the gates in its order, and
///
///     Y: T×N×(D·H) → T×D×N×H      X and Y of one backward direction turned around      layout 1: N×T… → T×N…
extension RecurrentLayer: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node, kernel = try kernel(node), names = try Self.presentInputs(node.node)
        let options = try packedOptions(node, kernel, names)
        let isBackward = kernel.directions == [.backward]
        var data = try composition.input(0)
        if kernel.isBatchFirst { data = composition.add("transpose", ["axes": .integers([1, 0, 2])], data) }
        if isBackward { data = composition.add("reverse", ["axis": .integers([0])], data) }
        let inputs =
            try [data, composition.constant(packed(node, kernel, options, names))]
            + states(of: options, kernel, names, &composition)
        let isAsked = node.node.outputs.map { !node.graph[$0].uses.isEmpty || node.graph.outputs.contains($0) }
        let asksForStates = isAsked.dropFirst().contains(true)
        let results = composition.add(
            "RNN", attributes(of: options, givesStates: asksForStates), inputs: inputs,
            outputs: asksForStates ? inputs.count - 1 : 1)
        for (index, state) in results.enumerated().dropFirst() where isAsked.indices.contains(index) && isAsked[index] {
            let turn: Attributes = ["axes": .integers(kernel.isBatchFirst ? [1, 0, 2] : [0, 1, 2])]
            try composition.finish("transpose", turn, state, output: index)
        }
        var steps = results[0]
        if isBackward { steps = composition.add("reverse", ["axis": .integers([0])], steps) }
        let apart = composition.add(
            "Reshape", ["shape": .integers([0, 0, kernel.directions.count, options.cells])], steps)
        try composition.finish(
            "transpose", ["axes": .integers(kernel.isBatchFirst ? [1, 0, 2, 3] : [0, 2, 1, 3])], apart)
        return true
    }

    /// - Throws: `ModelError` that says what of the layer MXNet's RNN lacks.
    private func packedOptions(
        _ node: NodeReader, _ kernel: RecurrentKernel, _ names: [String]
    ) throws -> RNN.Options {
        func refuse(_ what: String) -> ModelError { ModelError("MXNet's RNN has no \(what)") }
        if names.contains("P") { throw refuse("peepholes") }
        if names.contains("sequence_lens") { throw refuse("sequences of several lengths") }
        if kernel.clip != nil { throw refuse("clip of what enters an activation") }
        if case .lstm(_, true) = kernel.cell { throw refuse("forget gate that is coupled with the input gate") }
        if case .gru(false) = kernel.cell { throw refuse("GRU that resets before its matrix product") }
        let standard = try RecurrentActivations([:]).next(kind, direction: 0)
        let relu = RecurrentKernel.Activations(gates: [ActivationFunction(.relu)])
        let isRelu = kind == .rnn && kernel.activations.allSatisfy { $0.gates == relu.gates }
        guard isRelu || kernel.activations.allSatisfy({ $0 == standard }) else { throw refuse("such activations") }
        let mode = kind == .rnn ? (isRelu ? "rnn_relu" : "rnn_tanh") : kind.rawValue.lowercased()
        return try RNN.Options([
            "mode": .text(mode), "num_layers": .integer(1), "state_size": .integer(node.shape(2)[2]),
            "bidirectional": .text(kernel.directions.count > 1 ? "True" : "False"),
        ])
    }

    private func attributes(of options: RNN.Options, givesStates: Bool) -> Attributes {
        var attributes: Attributes = [
            "mode": .text(options.mode.rawValue), "num_layers": .integer(1), "state_size": .integer(options.cells),
        ]
        if options.isBidirectional { attributes["bidirectional"] = .text("True") }
        if givesStates { attributes["state_outputs"] = .text("True") }
        return attributes
    }

    /// The parameters as `PackedRecurrentParameters` has them.
    private func packed(
        _ node: NodeReader, _ kernel: RecurrentKernel, _ options: RNN.Options, _ names: [String]
    ) throws -> Tensor {
        let weights = try sorted(node.parameter(1), options, groups: 1)
        let recurrent = try sorted(node.parameter(2), options, groups: 1)
        // Each direction has the biases on the data, then those on the state.
        let biasCount = 2 * options.gates.count * options.cells
        let biases =
            try names.firstIndex(of: "B").map { try sorted(node.parameter($0), options, groups: 2) }
            ?? [[Float]](repeating: [Float](repeating: 0, count: biasCount), count: options.directions)
        guard [weights.count, recurrent.count, biases.count].allSatisfy({ $0 == options.directions }) else {
            throw ModelError("its parameters do not have \(options.directions) directions")
        }
        return Tensor(zip(weights, recurrent).flatMap { $0 + $1 } + biases.flatMap { $0 })
    }

    /// The elements of each direction, gates in MXNet's order.
    private func sorted(_ tensor: Tensor, _ options: RNN.Options, groups: Int) throws -> [[Float]] {
        let order = Self.gates(ofONNX: kind.rawValue), parts = groups * order.count
        let elements = tensor.floats()
        guard tensor.shape.rank > 1, !elements.isEmpty, tensor.shape[1] == parts * options.cells else {
            throw ModelError("parameters of \(tensor.shape) do not fit \(options.cells) cells")
        }
        let directionLength = elements.count / tensor.shape[0], gateLength = directionLength / parts
        return (0..<tensor.shape[0]).map { direction in
            (0..<groups).flatMap { group in
                options.gates.flatMap { gate in
                    let place = group * order.count + (order.firstIndex(of: gate) ?? 0)
                    let start = direction * directionLength + place * gateLength
                    return elements[start..<start + gateLength]
                }
            }
        }
    }

    /// The first states and cells; zeros where the node leaves them out, for any batch.
    private func states(
        of options: RNN.Options, _ kernel: RecurrentKernel, _ names: [String], _ composition: inout MXNetComposition
    ) throws -> [ValueID] {
        try (kind == .lstm ? ["initial_h", "initial_c"] : ["initial_h"]).map { name in
            guard let index = names.firstIndex(of: name) else {
                let shape: Attributes = ["shape": .text("(\(options.directions), 0, \(options.cells))")]
                return composition.add("_zeros", shape)
            }
            let state = try composition.input(index)
            return kernel.isBatchFirst ? composition.add("transpose", ["axes": .integers([1, 0, 2])], state) : state
        }
    }
}
