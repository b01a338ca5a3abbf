import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Maximum or average over a window (src/operator/nn/pooling.cc). Works on float and, keeping the grid, on codes.
struct Pooling: OperatorDefinition {
    let name = "Pooling"
    let summary = "max and average pooling, windowed or global"
    let mxnet: MXNetForm? = MXNetForm(
        "Pooling", quantized: "_contrib_quantized_pooling",
        // MKL-DNN's max pooling keeps a workspace for training.
        hiddenOutputs: { node in node.attributes.text("pool_type") ?? "max" == "max" ? 1 : 0 })
    let quantization = QuantizationRule.passThrough(
        alignsScales: .passes,
        refusal: { node in
            let kind = node.attributes.text("pool_type") ?? "max"
            guard ["max", "avg"].contains(kind) else { return "MXNet has int8 pooling for max and avg only" }
            let rank = (try? node.type(0).shape).flatMap { $0?.rank }
            let axes = rank.map { $0 - 2 } ?? (try? node.attributes.integers("kernel"))?.flatMap { $0 }?.count
            return axes == 1 ? "MXNet has no int8 pooling over one axis" : nil
        })

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool",
            write: { node, writing in
                let kernel = try Pooling.kernel(node, node.shape(0))
                let input = try writing.name(node, 0)
                let type = kernel.kind == .max ? "MaxPool" : "AveragePool"
                if try node.attributes.boolean("global_pool") ?? false {
                    writing.emit("Global" + type, node, inputs: [input])
                    return
                }
                var attributes = [
                    ONNXAttribute("kernel_shape", .ints(kernel.window)),
                    ONNXAttribute("pads", .ints(kernel.padsBegin + kernel.padsEnd)),
                    ONNXAttribute("strides", .ints(kernel.strides)),
                ]
                if kernel.kind == .averageIncludingPadding {
                    attributes.append(ONNXAttribute("count_include_pad", .int(1)))
                }
                writing.emit(type, node, inputs: [input], attributes: attributes)
            },
            read: { reading in
                let isMax = reading.node.opType.hasSuffix("MaxPool")
                var attributes: Attributes = ["pool_type": .text(isMax ? "max" : "avg")]
                if reading.node.opType.hasPrefix("Global") {
                    attributes["global_pool"] = .text("True")
                    attributes["kernel"] = .text("(1, 1)")
                } else {
                    let window = try ONNXWindow(reading, kernel: reading.integers("kernel_shape") ?? [])
                    guard window.dilations.allSatisfy({ $0 == 1 }) else {
                        throw ModelError("dilations are not supported")
                    }
                    attributes["kernel"] = .integers(window.kernel)
                    attributes["stride"] = .integers(window.strides)
                    attributes["pad"] = .integers(window.padsBegin)
                    if window.padsEnd != window.padsBegin { attributes["pad_end"] = .integers(window.padsEnd) }
                    attributes["pooling_convention"] = .text(
                        try reading.integer("ceil_mode") ?? 0 == 0 ? "valid" : "full")
                }
                if !isMax {
                    attributes["count_include_pad"] = .text(
                        try reading.integer("count_include_pad") ?? 0 == 0 ? "False" : "True")
                }
                reading.define("Pooling", attributes)
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        let shape = try type.shape.map { shape in
            try Self.kernel(node, shape).resultTypes([TensorType(.float32, shape)])[0].shape
        }
        return [ValueType(type.dataType, shape, quantization: type.quantization)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.value(node, 0)
        let kernel = try Self.kernel(node, lowering.type(of: source).shape)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source.buffer], node), codes: source.codes))
    }

    private enum Kind: String, CaseIterable { case max, avg, sum, lp }
    private enum Convention: String, CaseIterable { case valid, full, same }

    fileprivate static func kernel(_ node: NodeReader, _ source: Shape) throws -> PoolingKernel {
        let attributes = node.attributes
        let rank = source.rank - 2
        guard rank >= 1 else { throw ModelError("data of shape \(source) has no spatial axes") }
        let countsPadding = try attributes.boolean("count_include_pad") ?? true
        let kind: PoolingKernel.Kind =
            switch try attributes.choice("pool_type", default: Kind.max) {
            case .max: .max
            case .avg: countsPadding ? .averageIncludingPadding : .averageExcludingPadding
            case .sum, .lp: throw ModelError("pool_type=\(attributes.text("pool_type") ?? "") is not supported yet")
            }
        if try attributes.boolean("global_pool") ?? false {
            let none = [Int](repeating: 0, count: rank), ones = [Int](repeating: 1, count: rank)
            return PoolingKernel(
                kind: kind, window: Array(source.dimensions.dropFirst(2)), strides: ones, padsBegin: none, padsEnd: none
            )
        }
        guard let window = try attributes.extents("kernel"), window.count == rank, window.allSatisfy({ $0 > 0 }) else {
            throw ModelError("kernel is missing or does not fit data of shape \(source)")
        }
        func spatial(_ name: String, _ fallback: Int) throws -> [Int] {
            let values = try attributes.extents(name) ?? []
            guard values.isEmpty || values.count == rank else { throw ModelError("\(name) does not fit the kernel") }
            return values.isEmpty ? [Int](repeating: fallback, count: rank) : values
        }
        let strides = try spatial("stride", 1), pads = try spatial("pad", 0)
        var padsEnd = try attributes["pad_end"] == nil ? pads : spatial("pad_end", 0)
        guard strides.allSatisfy({ $0 > 0 }), pads.allSatisfy({ $0 >= 0 }) else {
            throw ModelError("stride or pad is out of range")
        }
        switch try attributes.choice("pooling_convention", default: Convention.valid) {
        case .valid: break
        case .full:
            // The last window may hang over the end: ceil instead of floor.
            for axis in 0..<rank {
                let room = source[axis + 2] + 2 * pads[axis] - window[axis]
                let excess = room >= 0 ? room % strides[axis] : 0
                if excess > 0 { padsEnd[axis] += strides[axis] - excess }
            }
        case .same: throw ModelError("pooling_convention=same is not supported yet")
        }
        return PoolingKernel(kind: kind, window: window, strides: strides, padsBegin: pads, padsEnd: padsEnd)
    }

    let examples = [
        OperatorExample(
            "largest of windows that overlap",
            """
            %data: float32[1, 3, 9, 9] = input
            %pool_output = Pooling(%data) {kernel="(3, 3)", pad="(1, 1)", pool_type="max", stride="(2, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "mean that counts the padding",
            """
            %data: float32[1, 3, 6, 6] = input
            %pool_output = Pooling(%data) {kernel="(3, 3)", pad="(1, 1)", pool_type="avg", stride="(1, 1)"}
            return %pool_output
            """),
        OperatorExample(
            "mean that does not",
            """
            %data: float32[1, 3, 6, 6] = input
            %pool_output = Pooling(%data) {count_include_pad="False", kernel="(3, 3)", pad="(1, 1)", pool_type="avg"}
            return %pool_output
            """),
        OperatorExample(
            "the last window hangs over",
            """
            %data: float32[1, 2, 6, 6] = input
            %pool_output = Pooling(%data) {kernel="(3, 3)", pool_type="max", pooling_convention="full", stride="(2, 2)"}
            return %pool_output
            """),
        OperatorExample(
            "global mean",
            """
            %data: float32[2, 3, 4, 4] = input
            %pool_output = Pooling(%data) {global_pool="True", kernel="(1, 1)", pool_type="avg"}
            return %pool_output
            """),
    ]
}
