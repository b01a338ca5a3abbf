import GraphIR
import ONNXFormat
import TensorCore

/// One node of the graph that becomes several ONNX nodes: each gets a name that derives from the node's, and computes
/// one tensor.
struct ONNXComposition {
    let node: NodeReader
    private(set) var writing: ONNXWriting

    init(_ node: NodeReader, _ writing: ONNXWriting) {
        self.node = node
        self.writing = writing
    }

    func input(_ index: Int) throws -> String { try writing.name(node, index) }

    /// Emits an ONNX node; returns the name of what it computes, which is `output` if that is given.
    mutating func callAsFunction(
        _ type: String, _ inputs: String..., attributes: [ONNXAttribute] = [], as output: String? = nil
    ) -> String {
        self.many(type, inputs, count: 1, attributes: attributes, names: output.map { [$0] })[0]
    }

    /// Emits an ONNX node that computes several tensors.
    mutating func many(
        _ type: String, _ inputs: [String], count: Int, attributes: [ONNXAttribute] = [], names: [String]? = nil
    ) -> [String] {
        let suffix = "_\(type)\(writing.nodes.count)"
        let outputs = names ?? (0..<count).map { "\(node.node.name)\(suffix)\(count == 1 ? "" : "_\($0)")" }
        writing.emit(type, node, inputs: inputs, attributes: attributes, suffix: suffix, outputs: outputs)
        return outputs
    }

    mutating func constant(_ tensor: Tensor) -> String {
        writing.initializer("\(node.node.name)_constant\(writing.initializers.count)", tensor)
    }

    mutating func constant(_ number: Float) -> String { constant(Tensor(scalar: number)) }

    mutating func constant(_ numbers: [Int]) -> String { constant(Tensor(numbers.map(Int64.init))) }

    /// The elements `range` of an axis.
    mutating func slice(_ tensor: String, _ range: Range<Int>, axis: Int) -> String {
        self(
            "Slice", tensor, constant([range.lowerBound]), constant([range.upperBound]), constant([axis]))
    }

    mutating func unsqueeze(_ tensor: String, axis: Int) -> String { self("Unsqueeze", tensor, constant([axis])) }

    mutating func concatenate(_ tensors: [String], axis: Int, as output: String? = nil) -> String {
        many(
            "Concat", tensors, count: 1, attributes: [ONNXAttribute("axis", .int(axis))], names: output.map { [$0] })[0]
    }

    mutating func cast(_ tensor: String, to type: ONNXElementType) -> String {
        self("Cast", tensor, attributes: [ONNXAttribute("to", .int(Int(type.rawValue)))])
    }

    /// Elements of each row of B×N…, in the order that `indices` B×K says; `width` is what each element consists of, if
    /// it is a row itself.
    mutating func gather(_ tensor: String, _ indices: String, width: Int? = nil) -> String {
        var indices = indices
        if let width {
            indices = self("Tile", unsqueeze(indices, axis: 2), constant([1, 1, width]))
        }
        return self("GatherElements", tensor, indices, attributes: [ONNXAttribute("axis", .int(1))])
    }

    /// The `count` largest of each row of B×N and where they are; equal ones in order, as ONNX Runtime has it.
    mutating func largest(_ tensor: String, count: Int) -> (values: String, indices: String) {
        let results = many(
            "TopK", [tensor, constant([count])], count: 2, attributes: [ONNXAttribute("axis", .int(1))])
        return (results[0], results[1])
    }

    /// The largest element along axis 1, which goes.
    mutating func maximum(_ tensor: String) -> String {
        let keep = ONNXAttribute("keepdims", .int(0))
        if writing.opset >= 18 { return self("ReduceMax", tensor, constant([1]), attributes: [keep]) }
        return self("ReduceMax", tensor, attributes: [ONNXAttribute("axes", .ints([1])), keep])
    }

    /// The first of the largest elements along an axis, which goes.
    mutating func firstLargest(_ tensor: String, axis: Int) -> String {
        self("ArgMax", tensor, attributes: [ONNXAttribute("axis", .int(axis)), ONNXAttribute("keepdims", .int(0))])
    }

    /// Which of `count` boxes B×N×4 survive when each, in their order, suppresses those behind it.
    ///
    /// ONNX's NonMaxSuppression goes by score: its scores are ranks here, and −1 for boxes that take no part.
    /// - Parameters:
    ///   - ranks: B×N, larger than 0 and falling.
    ///   - classes: int64 numbers B×N; boxes suppress only those of their class. They lie below `classCount`.
    /// - Returns: B×N, true where a box survives.
    mutating func survivors(
        _ boxes: String, ranks: String, count: Int, classes: String?, classCount: Int, threshold: Float,
        isCentered: Bool
    ) -> String {
        var scores = unsqueeze(ranks, axis: 1)
        if let classes {
            let numbers = constant(Tensor((0..<classCount).map(Int64.init), shape: [1, classCount, 1]))
            let isOfClass = self("Equal", unsqueeze(classes, axis: 1), numbers)
            scores = self("Where", isOfClass, scores, constant(-1))
        }
        let selected = self(
            "NonMaxSuppression", boxes, scores, constant([count]), constant(Tensor([threshold])),
            constant(Tensor([0] as [Float])),
            attributes: isCentered ? [ONNXAttribute("center_point_box", .int(1))] : [])
        // Image and box, without the class.
        let places = self("Gather", selected, constant([0, 2]), attributes: [ONNXAttribute("axis", .int(1))])
        let number = slice(self("Shape", selected), 0..<1, axis: 0)
        let marks = self("Expand", constant(Tensor([1] as [Float])), number)
        let nothing = self("Mul", ranks, constant(0))
        return self("Greater", self("ScatterND", nothing, places, marks), constant(0))
    }
}

extension ONNXForm {
    /// Written as several ONNX nodes; ONNX has nothing that would be read as this operator.
    static func composed(
        _ write: @escaping @Sendable (NodeReader, inout ONNXComposition) throws -> Void
    ) -> ONNXForm {
        .mapped(
            ONNXMapping(
                write: { node, writing in
                    var composition = ONNXComposition(node, writing)
                    try write(node, &composition)
                    writing = composition.writing
                },
                read: { _ in throw ModelError("ONNX has no such operator") }))
    }
}
