import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = x / √(Σ x² + eps), over an image (`instance`), over the channels at each place (`channel`), or over each channel
/// (`spatial`) (src/operator/l2_normalization.cc).
struct L2Normalization: OperatorDefinition {
    enum Mode: String, CaseIterable { case instance, channel, spatial }

    let name = "L2Normalization"
    let summary = "vectors brought to length 1"
    let mxnet: MXNetForm? = MXNetForm("L2Normalization", hiddenOutputs: { _ in 1 })
    let quantization = QuantizationRule.float(because: "the length of a vector of codes is not that of the data")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                let (axes, epsilon) = try L2Normalization.parameters(node)
                let name = try writing.name(node, 0)
                var parts = ONNXParts(node)
                let square = parts.emit("Mul", [name, name], &writing)
                let sum = parts.reduce("ReduceSum", square, axes: Array(axes), &writing)
                let positive = parts.emit("Add", [sum, parts.constant(Tensor(scalar: epsilon), &writing)], &writing)
                writing.emit("Div", node, inputs: [name, parts.emit("Sqrt", [positive], &writing)])
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] { [ValueType(.float32, try node.type(0).shape)] }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let (axes, epsilon) = try Self.parameters(node)
        let kernel = NormalizationKernel(.euclidean, axes: axes, epsilon: epsilon)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [lowering.floatValue(node, 0)], node)))
    }

    private static func parameters(_ node: NodeReader) throws -> (axes: Range<Int>, epsilon: Float) {
        let mode = try node.attributes.choice("mode", default: Mode.instance), rank = try node.shape(0).rank
        guard rank >= (mode == .instance ? 2 : 3) else {
            throw ModelError("mode=\(mode.rawValue) does not fit data of \(try node.shape(0))")
        }
        let axes =
            switch mode {
            case .instance: 1..<rank
            case .channel: 1..<2
            case .spatial: 2..<rank
            }
        return (axes, Float(try node.attributes.number("eps") ?? 1e-10))
    }

    let examples = Mode.allCases.map { mode in
        OperatorExample(
            mode.rawValue,
            """
            %data: float32[2, 3, 4, 5] = input
            %norm_output = L2Normalization(%data) {eps="1e-05", mode="\(mode.rawValue)"}
            return %norm_output
            """)
    }
}

/// ONNX's LpNormalization: y = x / ‖x‖ along `axis`, the sum of magnitudes (p = 1) or the length (p = 2).
struct LpNormalization: OperatorDefinition {
    let name = "LpNormalization"
    let summary = "vectors along one axis brought to norm 1"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "the norm of a vector of codes is not that of the data")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "LpNormalization",
            write: { node, writing in
                writing.emit(
                    "LpNormalization", node, inputs: [try writing.name(node, 0)],
                    attributes: [
                        ONNXAttribute("axis", .int(try node.attributes.integer("axis") ?? -1)),
                        ONNXAttribute("p", .int(try node.attributes.integer("p") ?? 2)),
                    ])
            },
            read: { reading in
                let axis = try reading.integer("axis") ?? -1, power = try reading.integer("p") ?? 2
                reading.define("LpNormalization", ["axis": .integer(axis), "p": .integer(power)])
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] { [ValueType(.float32, try node.type(0).shape)] }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let wanted = try node.attributes.integer("axis") ?? -1, shape = try node.shape(0)
        guard let axis = shape.normalized(axis: wanted) else { throw ModelError("\(shape) has no axis \(wanted)") }
        let power = try node.attributes.integer("p") ?? 2
        guard 1...2 ~= power else { throw ModelError("p=\(power) is not known, only 1 and 2 are") }
        let kernel = NormalizationKernel(
            power == 1 ? .absoluteSum : .euclidean, axes: axis..<axis + 1, epsilon: 0)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [lowering.floatValue(node, 0)], node)))
    }

    let examples = [1, 2].map { power in
        OperatorExample(
            "p = \(power)",
            """
            %data: float32[2, 3, 4] = input
            %norm_output = LpNormalization(%data) {axis=1, p=\(power)}
            return %norm_output
            """)
    }
}

/// ONNX's MeanVarianceNormalization: y = (x − mean) / (√variance + 1e-9) along `axes`, N and the spatial axes if not
/// given.
struct MeanVarianceNormalization: OperatorDefinition {
    let name = "MeanVarianceNormalization"
    let summary = "mean 0 and variance 1 along given axes"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "its statistics are those of the data, which codes blur")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "MeanVarianceNormalization",
            write: { node, writing in
                let axes = try node.attributes.integers("axes") ?? [0, 2, 3]
                writing.emit(
                    "MeanVarianceNormalization", node, inputs: [try writing.name(node, 0)],
                    attributes: [ONNXAttribute("axes", .ints(axes))])
            },
            read: { reading in
                reading.define(
                    "MeanVarianceNormalization", ["axes": .integers(try reading.integers("axes") ?? [0, 2, 3])])
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] { [ValueType(.float32, try node.type(0).shape)] }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let shape = try node.shape(0)
        let axes = try (node.attributes.integers("axes") ?? [0, 2, 3]).map { axis in
            guard let index = shape.normalized(axis: axis) else { throw ModelError("\(shape) has no axis \(axis)") }
            return index
        }
        // The axes are brought to the end, normalized there, and brought back.
        let others = shape.dimensions.indices.filter { !axes.contains($0) }
        let order = others + shape.dimensions.indices.filter { axes.contains($0) }
        guard others.count < shape.rank else { throw ModelError("there is no axis to normalize along") }
        let arranged = try lowering.transpose(lowering.floatValue(node, 0), order, node)
        // Inside of the root 1e-18 is the same where all elements are equal, and nothing elsewhere.
        let kernel = NormalizationKernel(.standard, axes: others.count..<shape.rank, epsilon: 1e-18)
        let normalized = try lowering.add(kernel, [arranged], node)
        let back = shape.dimensions.indices.map { axis in order.firstIndex(of: axis) ?? axis }
        lowering.define(node, LoweredValue(try lowering.transpose(normalized, back, node)))
    }

    let examples = [
        OperatorExample(
            "each channel of all images",
            """
            %data: float32[2, 3, 4, 5] = input
            %norm_output = MeanVarianceNormalization(%data) {axes=[0, 2, 3]}
            return %norm_output
            """)
    ]
}
