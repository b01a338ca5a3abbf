import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Layers of a recurrent network, one on the other (src/operator/rnn.cc). Data T×N×I, one vector with all parameters, and
/// the first states of all layers and directions (L·D)×N×H; for LSTM also the first cells. Gives T×N×(D·H), and with
/// `state_outputs` the last states and cells.
struct RNN: OperatorDefinition {
    let name = "RNN"
    let summary = "LSTM, GRU and plain recurrent layers with packed parameters"
    let mxnet: MXNetForm? = MXNetForm(
        "RNN", quantized: "_contrib_quantized_rnn", parameterInputs: { _ in [1] },
        quantizedOutputIsTriple: { _ in false })
    /// MXNet 1.9.1 makes the graph and cannot run it. Here the weights stay in float.
    let quantization = QuantizationRule.quantized(
        QuantizedTwin(
            need: .must, result: .float, attributes: ["quantized": .text("true")], isAsymmetric: true,
            refusal: { node in
                guard node.attributes.text("mode") == "lstm" else { return "MXNet has an int8 form of LSTM only" }
                return node.attributes["projection_size"].map { $0 != .text("None") } ?? false
                    ? "MXNet has no int8 form of LSTM with a projection" : nil
            }))

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in try RNNWriting(node, RNN.Options(node)).write(into: &writing) },
            read: { _ in throw ModelError("ONNX spells it RNN, GRU or LSTM") }))

    func inputCount(_ node: any NodeDescription) throws -> ClosedRange<Int> {
        let count = try Options(node.attributes).mode == .lstm ? 4 : 3
        return count...count
    }

    func parameterShapes(_ node: any NodeDescription) -> [Int: [Int?]] { [1: [nil]] }

    /// The attributes.
    struct Options {
        enum Mode: String, CaseIterable { case lstm, gru, rnn_tanh, rnn_relu }
        let mode: Mode
        let layers, cells: Int
        let projection: Int?
        let isBidirectional, givesStates: Bool

        init(_ node: NodeReader) throws { try self.init(node.attributes) }

        init(_ attributes: Attributes) throws {
            guard attributes["mode"] != nil, let cells = try attributes.integer("state_size"),
                let layers = try attributes.integer("num_layers"), 1...(1 << 24) ~= cells, 1...(1 << 24) ~= layers
            else { throw ModelError("mode, state_size or num_layers is missing or out of range") }
            mode = try attributes.choice("mode", default: .lstm)
            self.cells = cells
            self.layers = layers
            projection = try attributes.integer("projection_size")
            isBidirectional = try attributes.boolean("bidirectional") ?? false
            givesStates = try attributes.boolean("state_outputs") ?? false
            if let projection {
                guard 1...(1 << 24) ~= projection, mode == .lstm else {
                    throw ModelError("projection_size is out of range, or the mode is not lstm")
                }
            }
            guard try attributes.boolean("use_sequence_length") ?? false == false else {
                throw ModelError("use_sequence_length=True is not supported")
            }
            for name in ["lstm_state_clip_min", "lstm_state_clip_max"] where try attributes.number(name) != nil {
                throw ModelError("\(name) is not supported")
            }
        }

        var directions: Int { isBidirectional ? 2 : 1 }
        var states: Int { projection ?? cells }

        var gates: [RecurrentKernel.Gate] {
            switch mode {
            case .lstm: [.input, .forget, .candidate, .output]
            case .gru: [.reset, .update, .candidate]
            case .rnn_tanh, .rnn_relu: [.candidate]
            }
        }

        /// One layer.
        var kernel: RecurrentKernel {
            let cell: RecurrentKernel.Cell =
                switch mode {
                case .lstm: .lstm()
                case .gru: .gru(linearBeforeReset: true)
                case .rnn_tanh, .rnn_relu: .rnn
                }
            let activations: RecurrentKernel.Activations =
                switch mode {
                case .lstm, .gru: .init()
                case .rnn_tanh: .init(gates: [ActivationFunction(.tanh)])
                case .rnn_relu: .init(gates: [ActivationFunction(.relu)])
                }
            var kernel = RecurrentKernel(
                cell, gates: gates, directions: isBidirectional ? [.forward, .backward] : [.forward],
                activations: [RecurrentKernel.Activations](repeating: activations, count: directions))
            kernel.hasProjection = projection != nil
            return kernel
        }

        func parameters(inputs: Int) throws -> PackedRecurrentParameters {
            try PackedRecurrentParameters(
                layers: layers, directions: directions, gates: gates.count, cells: cells, projection: projection,
                inputs: inputs)
        }

        /// The shapes of the states and, for LSTM, of the cells of all layers.
        func stateShapes(batch: Int) throws -> [Shape] {
            let extents = mode == .lstm ? [states, cells] : [states]
            return try extents.map { try Shape(checking: [layers * directions, batch, $0]) }
        }
    }

    /// MXNet writes 0 for the batch of the first states, which `_zeros` makes: it is the data's.
    func impliedInputShapes(_ node: NodeReader) throws -> [Int: Shape] {
        guard let data = try node.type(0).shape, data.rank == 3 else { return [:] }
        let options = try Options(node)
        var shapes: [Int: Shape] = [1: [try options.parameters(inputs: data[2]).count]]
        for (index, shape) in try options.stateShapes(batch: data[1]).enumerated() { shapes[2 + index] = shape }
        return shapes
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let options = try Options(node), data = try node.type(0).shape
        guard data.map({ $0.rank == 3 }) ?? true else {
            throw ModelError("data of shape \(data ?? []) is not steps × batch × features")
        }
        let steps = try data.map { try Shape(checking: [$0[0], $0[1], options.directions * options.states]) }
        let states: [Shape?] =
            try data.map { try options.stateShapes(batch: $0[1]) }
            ?? (options.mode == .lstm ? [nil, nil] : [nil])
        return ([steps] + (options.givesStates ? states : [])).map { ValueType(.float32, $0) }
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let options = try Options(node), kernel = options.kernel
        var steps = try lowering.realValue(node, 0)
        let data = lowering.type(of: LoweredValue(steps)).shape
        guard data.rank == 3 else { throw ModelError("data of shape \(data) is not steps × batch × features") }
        let packed = try options.parameters(inputs: data[2])
        let vector = try lowering.floatValue(node, 1)
        let length = lowering.type(of: LoweredValue(vector)).shape
        guard length.elementCount == packed.count else {
            throw ModelError("needs \(packed.count) parameters, but there are \(length.elementCount)")
        }
        let first = try options.stateShapes(batch: data[1]).enumerated().map { index, shape in
            let state = try lowering.floatValue(node, 2 + index)
            // MXNet writes 0 for a batch that the data says.
            return lowering.type(of: LoweredValue(state)).shape.elementCount == 0
                ? lowering.addConstant(Tensor([Float](repeating: 0, count: shape.elementCount), shape: shape)) : state
        }
        var last: [[BufferID]] = first.map { _ in [] }
        for layer in 0..<options.layers {
            let states = try first.enumerated().map { index, buffer in
                let shape = try options.stateShapes(batch: data[1])[index]
                return try lowering.add(rows(layer, of: shape, options.directions), [buffer], node)
            }
            var operands = [steps]
            for view in [
                packed.weights(ofLayer: layer), packed.recurrentWeights(ofLayer: layer), packed.biases(ofLayer: layer),
            ] {
                operands.append(try lowering.add(view, [vector], node))
            }
            operands += states
            if kernel.hasProjection {
                operands.append(try lowering.add(packed.projection(ofLayer: layer), [vector], node))
            }
            let results = try lowering.addAll(kernel, operands, node)
            steps = results[0]
            for (index, result) in results.dropFirst().enumerated() { last[index].append(result) }
        }
        lowering.define(node, LoweredValue(steps))
        for (index, states) in last.enumerated() where index + 1 < node.node.outputs.count {
            let all = states.count == 1 ? states[0] : try lowering.add(ConcatenateKernel(axis: 0), states, node)
            lowering.define(node, output: index + 1, LoweredValue(all))
        }
    }

    /// The states of one layer.
    private func rows(_ layer: Int, of shape: Shape, _ directions: Int) -> StridedViewKernel {
        let part = shape.replacing(axis: 0, with: directions)
        return StridedViewKernel(shape: part, strides: shape.strides, offset: layer * part.elementCount)
    }

    let examples = [
        OperatorExample(
            "one LSTM layer",
            """
            %data: float32[5, 2, 3] = input
            %weights: float32[144] = parameter(...)
            %state: float32[1, 2, 4] = input
            %cell: float32[1, 2, 4] = input
            %rnn_output = RNN(%data, %weights, %state, %cell) {mode="lstm", num_layers="1", state_size="4"}
            return %rnn_output
            """),
        OperatorExample(
            "two LSTM layers in both directions",
            """
            %data: float32[5, 2, 3] = input
            %weights: float32[456] = parameter(...)
            %state: float32[4, 2, 3] = input
            %cell: float32[4, 2, 3] = input
            %rnn_output0, %rnn_output1, %rnn_output2 = RNN(%data, %weights, %state, %cell) {bidirectional="True", \
            mode="lstm", num_layers="2", state_outputs="True", state_size="3"} name=rnn
            return %rnn_output0, %rnn_output1, %rnn_output2
            """),
        OperatorExample(
            "GRU in both directions",
            """
            %data: float32[4, 3, 2] = input
            %weights: float32[126] = parameter(...)
            %state: float32[2, 3, 3] = input
            %rnn_output0, %rnn_output1 = RNN(%data, %weights, %state) {bidirectional="True", mode="gru", \
            num_layers="1", state_outputs="True", state_size="3"} name=rnn
            return %rnn_output0, %rnn_output1
            """),
        OperatorExample(
            "two GRU layers",
            """
            %data: float32[4, 1, 2] = input
            %weights: float32[432] = parameter(...)
            %state: float32[2, 1, 6] = input
            %rnn_output = RNN(%data, %weights, %state) {mode="gru", num_layers="2", state_size="6"}
            return %rnn_output
            """),
        OperatorExample(
            "tanh",
            """
            %data: float32[6, 2, 3] = input
            %weights: float32[48] = parameter(...)
            %state: float32[2, 2, 3] = input
            %rnn_output = RNN(%data, %weights, %state) {bidirectional="True", mode="rnn_tanh", num_layers="1", \
            state_size="3"}
            return %rnn_output
            """),
        OperatorExample(
            "relu",
            """
            %data: float32[3, 2, 3] = input
            %weights: float32[48] = parameter(...)
            %state: float32[2, 2, 3] = input
            %rnn_output = RNN(%data, %weights, %state) {mode="rnn_relu", num_layers="2", state_size="3"}
            return %rnn_output
            """),
    ]
}
