import GraphIR
import ONNXFormat
import TensorCore

/// If, Loop and Scan become the nodes that they run, where the condition or the number of trips is known.
extension ONNXTranslation {
    /// False, with nothing added, if it is not known what runs; the node stays as it is then.
    mutating func addControlFlow(_ node: ONNXNode, _ inputs: [ValueID?]) throws -> Bool {
        let mark = added.count
        do {
            let results =
                switch node.opType {
                case "If": try branch(node, inputs)
                case "Loop": try loop(node, inputs)
                default: try scan(node, inputs)
                }
            for (output, value) in zip(node.outputs, results) { bind(output, to: value) }
            return true
        } catch let error as ModelError {
            graph.removeUnused(added[mark...].reversed())
            added.removeSubrange(mark...)
            report.losses.append("'\(prefix)\(node.name)' (\(node.opType)) stays as it is: \(error)")
            return false
        }
    }

    private mutating func branch(_ node: ONNXNode, _ inputs: [ValueID?]) throws -> [ValueID] {
        guard let condition = constant(inputs.first ?? nil)?.asInts().first else { throw Self.unknownCondition }
        return try run(try node.graph(condition != 0 ? "then_branch" : "else_branch"), at: node.name + "/", [:])
    }

    /// Inputs: trips, condition, values carried from trip to trip. The body gets the number of the trip, the condition
    /// and those values; it gives the condition, the values, and what is collected from all trips.
    private mutating func loop(_ node: ONNXNode, _ inputs: [ValueID?]) throws -> [ValueID] {
        let body = try node.graph("body")
        let (limit, condition) = (inputs.first ?? nil, inputs.count > 1 ? inputs[1] : nil)
        guard limit == nil || constant(limit) != nil, condition == nil || constant(condition) != nil else {
            throw Self.unknownCondition
        }
        let trips = constant(limit)?.asInts().first ?? .max
        var goesOn = constant(condition)?.asInts().first != 0
        var carried = inputs.dropFirst(2).compactMap { $0 }
        guard body.inputs.count == carried.count + 2, body.outputs.count > carried.count else {
            throw ModelError("its body does not fit its inputs")
        }
        var collected = [[ValueID]](repeating: [], count: body.outputs.count - 1 - carried.count)
        var trip = 0
        while trip < trips, goesOn {
            var arguments = [
                body.inputs[0].name: graph.addParameter("\(prefix)\(node.name)/\(trip)", Tensor(scalar: Int64(trip)))
            ]
            arguments[body.inputs[1].name] = graph.addParameter(
                "\(prefix)\(node.name)/\(trip)/goes_on", Tensor(scalar: true))
            for (input, value) in zip(body.inputs.dropFirst(2), carried) { arguments[input.name] = value }
            let results = try run(body, at: "\(node.name)/\(trip)/", arguments)
            if condition != nil {
                guard let known = constant(results[0])?.asInts().first else { throw Self.unknownCondition }
                goesOn = known != 0
            }
            for (index, value) in results[1...].dropFirst(carried.count).enumerated() { collected[index].append(value) }
            carried = Array(results[1...].prefix(carried.count))
            trip += 1
        }
        let ends = body.outputs.dropFirst(1 + carried.count)
        return try carried
            + zip(ends, collected).enumerated().map { index, pair in
                try stack(pair.1, axis: 0, name: "\(prefix)\(node.name)/collected\(index)", type: pair.0.valueType)
            }
    }

    /// Inputs: state, then sequences of which the body gets one slice a trip. It gives the state and slices of the
    /// results.
    private mutating func scan(_ node: ONNXNode, _ inputs: [ValueID?]) throws -> [ValueID] {
        guard opset >= 9 else {
            throw ModelError("Scan of opset 8 is not supported", advice: "export with opset 9 or newer")
        }
        let body = try node.graph("body"), values = inputs.compactMap { $0 }
        guard case .int(let sequenceCount)? = node.attribute("num_scan_inputs"), 1...values.count ~= sequenceCount,
            body.inputs.count == values.count, body.outputs.count >= values.count - sequenceCount
        else { throw ModelError("its body does not fit its inputs") }
        var state = Array(values.dropLast(sequenceCount))
        let sequences = Array(values.suffix(sequenceCount)), resultCount = body.outputs.count - state.count
        let axes = try node.integers("scan_input_axes", count: sequenceCount)
        let directions = try node.integers("scan_input_directions", count: sequenceCount)
        let lengths = try zip(sequences, axes).map { value, axis -> Int in
            guard let shape = graph[value].type?.shape else {
                throw ModelError("the length of its sequences is not known")
            }
            guard let axis = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
            return shape[axis]
        }
        guard let length = lengths.first, lengths.allSatisfy({ $0 == length }) else {
            throw ModelError("its sequences differ in length: \(lengths.commaSeparated)")
        }
        var collected = [[ValueID]](repeating: [], count: resultCount)
        for trip in 0..<length {
            var arguments: [String: ValueID] = [:]
            for (input, value) in zip(body.inputs, state) { arguments[input.name] = value }
            for (index, input) in body.inputs.dropFirst(state.count).enumerated() {
                arguments[input.name] = try slice(
                    sequences[index], axis: axes[index], at: directions[index] == 0 ? trip : length - 1 - trip,
                    name: "\(prefix)\(node.name)/\(trip)/\(input.name)")
            }
            let results = try run(body, at: "\(node.name)/\(trip)/", arguments)
            state = Array(results.prefix(state.count))
            for (index, value) in results.dropFirst(state.count).enumerated() { collected[index].append(value) }
        }
        let outputAxes = try node.integers("scan_output_axes", count: resultCount)
        let outputDirections = try node.integers("scan_output_directions", count: resultCount)
        return try state
            + collected.indices.map { index in
                try stack(
                    outputDirections[index] == 0 ? collected[index] : collected[index].reversed(),
                    axis: outputAxes[index],
                    name: "\(prefix)\(node.name)/collected\(index)", type: body.outputs[state.count + index].valueType)
            }
    }

    private static var unknownCondition: ModelError {
        ModelError("whether it goes on is only known when the model runs")
    }

    /// Adds the nodes of an inner graph; returns its outputs.
    private mutating func run(
        _ body: ONNXGraph, at part: String, _ arguments: [String: ValueID]
    ) throws -> [ValueID] {
        try descend(into: part) { inner in
            inner.scopes.append(arguments)
            defer { inner.scopes.removeLast() }
            try inner.addInitializers(of: body)
            try inner.add(body.nodes)
            return try body.outputs.map { try inner.requiredValue(named: $0.name) }
        }
    }

    // MARK: Slices, with MXNet's operators

    private mutating func stack(_ slices: [ValueID], axis: Int, name: String, type: ValueType?) throws -> ValueID {
        guard !slices.isEmpty else {
            return graph.addParameter(
                name,
                Tensor(dataType: type?.dataType ?? .float32, shape: Shape([0] + (type?.shape?.dimensions ?? []))) { _ in
                })
        }
        return try addNode(
            "stack", ["axis": .integer(axis), "num_args": .integer(slices.count)], slices, name: name)
    }

    private mutating func slice(_ value: ValueID, axis: Int, at index: Int, name: String) throws -> ValueID {
        let row = try addNode(
            "slice_axis", ["axis": .integer(axis), "begin": .integer(index), "end": .integer(index + 1)], [value],
            name: name + "_row")
        return try addNode("squeeze", ["axis": .integer(axis)], [row], name: name)
    }

    /// Adds a node of one of MXNet's operators that the translation needs itself.
    mutating func addNode(
        _ op: String, _ attributes: Attributes, _ inputs: [ValueID], name: String, outputName: String? = nil
    ) throws -> ValueID {
        let id = graph.add(
            NodeDraft(
                name: name, op: op, attributes: attributes, inputs: inputs, outputNames: outputName.map { [$0] }))
        added.append(id)
        let output = graph[id].outputs[0]
        try settle(id)
        return output
    }
}

extension ONNXNode {
    fileprivate func graph(_ name: String) throws -> ONNXGraph {
        guard case .graph(let graph)? = attribute(name) else { throw ModelError("it has no graph '\(name)'") }
        return graph
    }

    /// A list with an entry for each of `count` things; zeros where the node says nothing.
    fileprivate func integers(_ name: String, count: Int) throws -> [Int] {
        guard let value = attribute(name) else { return [Int](repeating: 0, count: count) }
        guard case .ints(let numbers) = value, numbers.count == count else {
            throw ModelError("attribute \(name) does not have \(count) numbers")
        }
        return numbers
    }
}
