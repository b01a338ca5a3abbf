import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The same elements under another shape (src/operator/tensor/matrix_op.cc, src/operator/numpy/np_matrix_op.cc).
///
/// What the numbers of the shape mean: see `ReshapeCode`. With `reverse`, they and the axes of the source are read from
/// the right. `target_shape` and `keep_highest` are what very old symbols have instead of `shape`.
struct Reshape: ArrangingOperator {
    enum Spelling { case mxnet, numPy, extendedNumPy }

    let name: String
    let spelling: Spelling
    let summary: String
    let mxnet: MXNetForm?

    static let all = [
        Reshape(
            name: "Reshape", spelling: .mxnet, summary: "another shape, with MXNet's codes",
            mxnet: MXNetForm("Reshape", "reshape")),
        Reshape(
            name: "_np_reshape", spelling: .numPy, summary: "another shape, as NumPy gives it",
            mxnet: MXNetForm("_np_reshape")),
        Reshape(
            name: "_npx_reshape", spelling: .extendedNumPy, summary: "another shape, with the codes of MXNet's NumPy",
            mxnet: MXNetForm("_npx_reshape", "_npi_reshape")),
    ]

    var onnx: ONNXForm {
        spelling == .mxnet
            ? .mapped(ONNXMapping("Reshape", write: write, read: Self.read)) : .mapped(ONNXMapping(write: write))
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        var arrangement = Arrangement(source)
        try arrangement.reshape(try dimensions(node.attributes, source))
        return [arrangement]
    }

    private func numbers(_ attributes: Attributes) throws -> [Int] {
        try attributes.integers(spelling == .mxnet ? "shape" : "newshape") ?? []
    }

    private func codes(_ numbers: [Int]) throws -> [ReshapeCode] {
        switch spelling {
        case .mxnet: try ReshapeCode.mxnet(numbers)
        case .numPy: try ReshapeCode.numPy(numbers)
        case .extendedNumPy: try ReshapeCode.extendedNumPy(numbers)
        }
    }

    private func dimensions(_ attributes: Attributes, _ source: Shape) throws -> [Int] {
        if let order = attributes.text("order"), order != "C" {
            throw ModelError("order=\(order) is not supported", advice: "only C is, rows first")
        }
        let numbers = try numbers(attributes)
        if spelling == .mxnet, numbers.isEmpty { return try legacyDimensions(attributes, source) }
        guard try attributes.boolean("reverse") ?? false else { return try ReshapeCode.resolve(codes(numbers), source) }
        return try ReshapeCode.resolve(codes(numbers.reversed()), Shape(source.dimensions.reversed())).reversed()
    }

    /// `target_shape` has a 0 for one axis that is to be inferred; `keep_highest` says that the first axis stays.
    private func legacyDimensions(_ attributes: Attributes, _ source: Shape) throws -> [Int] {
        guard var target = try attributes.extents("target_shape"), !target.isEmpty else {
            throw ModelError("shape is missing")
        }
        let keepsHighest = try attributes.boolean("keep_highest") ?? false
        if keepsHighest, let first = source.dimensions.first { target[0] = first }
        let open = target.indices.filter { target[$0] == 0 && !(keepsHighest && $0 == 0) }
        return try ReshapeCode.resolve(target.indices.map { open.contains($0) ? .infer : .extent(target[$0]) }, source)
    }

    func attribute(_ name: String, forAnyBatch extents: [BatchExtent], of source: [BatchExtent]?) -> Attribute? {
        switch (spelling, name) {
        case (.mxnet, "shape"): BatchExtent.shape(extents, of: source, copies: true).map { .integers($0) }
        case (.numPy, "newshape"): BatchExtent.shape(extents, of: source, copies: false).map { .integers($0) }
        default: nil
        }
    }

    // MARK: ONNX

    /// ONNX knows 0 and −1. Other codes are written as the axes that they stand for.
    @Sendable private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let source = try node.shape(0), input = try writing.name(node, 0)
        let numbers = try numbers(node.attributes)
        let isReversed = try node.attributes.boolean("reverse") ?? false
        let isPlain =
            spelling == .mxnet && !numbers.isEmpty && !isReversed
            && numbers.enumerated().allSatisfy { $1 >= -1 && ($1 != 0 || $0 < source.rank) }
        if isPlain {
            writing.emit("Reshape", node, inputs: [input, writing.integers("shape", numbers, node)])
        } else {
            try writing.emitReshape(node, from: input, source, to: dimensions(node.attributes, source))
        }
    }

    @Sendable private static func read(_ reading: inout ONNXReading) throws {
        guard let shape = try reading.integers("shape", orInput: 1) else { throw ModelError("shape is missing") }
        let inputs = [reading.inputs.first ?? nil]
        // No axis at all, or one of no elements, is what MXNet's Reshape cannot say.
        let allowsZero = try reading.integer("allowzero") ?? 0 != 0
        if shape.isEmpty || shape.contains(0) && allowsZero {
            reading.define("_np_reshape", ["newshape": .integers(shape)], inputs: inputs)
        } else {
            reading.define("Reshape", ["shape": .integers(shape)], inputs: inputs)
        }
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ source: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[\(source)] = input
                %shaped_output = \(name)(%data) {\(attributes)}
                return %shaped_output
                """)
        }
        return switch spelling {
        case .mxnet:
            [
                example("copy and infer", "2, 3, 4", "shape=\"(0, -1)\""),
                example("a number", "2, 6, 4", "shape=\"(2, 3, -1)\""),
                example("merge and the rest", "2, 3, 4, 5", "shape=\"(-3, -2)\""),
                example("split", "8, 6, 5", "shape=\"(-4, 2, -1, -4, -1, 3, 0)\""),
                example("the rest, and axes behind it", "2, 3", "shape=\"(-2, 1, 1)\""),
                example("copy behind a number", "8, 3, 4", "shape=\"(4, 0, -1)\""),
                example("from the right", "10, 5, 4", "reverse=\"True\", shape=\"(-1, 0)\""),
                example("split from the right", "2, 3, 4", "reverse=\"True\", shape=\"(0, 0, -1, 2, -4)\""),
                example("as old symbols say it", "2, 3, 4", "keep_highest=\"True\", target_shape=\"(0, 0)\""),
                example("an old symbol that infers the batch", "2, 3, 4", "target_shape=\"(0, 12)\""),
            ]
        case .numPy: [example("infer", "2, 3, 4", "newshape=\"(4, -1)\"")]
        case .extendedNumPy:
            [
                example("copy and merge", "2, 3, 4", "newshape=\"(-2, -5)\""),
                example("split, and the rest", "2, 6, 4, 5", "newshape=\"(-2, -6, 2, -1, -4)\""),
                example("drop an axis", "2, 1, 4", "newshape=\"(-2, -3, -1)\""),
                example("from the right", "8, 3, 4", "newshape=\"(-1, -2)\", reverse=\"True\""),
            ]
        }
    }
}
