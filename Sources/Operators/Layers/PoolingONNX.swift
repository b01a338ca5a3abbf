import GraphIR
import Kernels
import ONNXFormat
import TensorCore

// Pooling in ONNX. Where a window hangs over the end of the data, more padding is written instead of ceil_mode: releases of
// ONNX and of its runtime differ in what ceil_mode means.

extension Pooling {

    static func write(_ node: NodeReader, _ kernel: PoolingKernel, _ writing: inout ONNXWriting) throws {
        let input = try writing.name(node, 0)
        let attributes = try PoolingAttributes(node.attributes)
        if kernel.kind == .sum { return try writeSum(node, kernel, input, attributes.isGlobal, &writing) }
        let (type, more) = try Self.type(kernel.kind)
        if attributes.isGlobal {
            // There is no padding that could count.
            writing.emit("Global" + type, node, inputs: [input], attributes: type == "AveragePool" ? [] : more)
        } else if kernel.kind == .averageIncludingPadding, kernel.padsEnd != kernel.countedPadsEnd {
            try writeOverhangingMean(node, kernel, input, &writing)
        } else {
            writing.emit(type, node, inputs: [input], attributes: try window(kernel, type, writing) + more)
        }
    }

    private static func type(_ kind: PoolingKernel.Kind) throws -> (String, [ONNXAttribute]) {
        switch kind {
        case .max, .maxIncludingPadding: return ("MaxPool", [])
        case .averageIncludingPadding: return ("AveragePool", [ONNXAttribute("count_include_pad", .int(1))])
        case .averageExcludingPadding, .sum: return ("AveragePool", [])
        case .norm(let power, true): return ("LpPool", [ONNXAttribute("p", .int(power))])
        case .norm(let power, false):
            throw ModelError("ONNX pools the powers of magnitudes only, not x^\(power) with its sign")
        }
    }

    private static func window(
        _ kernel: PoolingKernel, _ type: String, _ writing: ONNXWriting
    ) throws -> [ONNXAttribute] {
        var attributes = [
            ONNXAttribute("kernel_shape", .ints(kernel.window)),
            ONNXAttribute("pads", .ints(kernel.padsBegin + kernel.padsEnd)),
            ONNXAttribute("strides", .ints(kernel.strides)),
        ]
        if kernel.dilations.contains(where: { $0 != 1 }) {
            let first = ["AveragePool": 19, "LpPool": 18][type] ?? 10
            guard writing.opset >= first else {
                throw ModelError("a dilated \(type) needs opset \(first)", advice: "write with --opset \(first)")
            }
            attributes.append(ONNXAttribute("dilations", .ints(kernel.dilations)))
        }
        return attributes
    }

    /// The padding that counts becomes part of the data, what hangs over does not.
    private static func writeOverhangingMean(
        _ node: NodeReader, _ kernel: PoolingKernel, _ input: String, _ writing: inout ONNXWriting
    ) throws {
        var rest = kernel
        rest.kind = .averageExcludingPadding
        var source = input
        if (kernel.padsBegin + kernel.countedPadsEnd).contains(where: { $0 != 0 }) {
            source = try writePad(node, kernel, input, &writing)
            rest.padsBegin = kernel.padsBegin.map { _ in 0 }
            rest.padsEnd = zip(kernel.padsEnd, kernel.countedPadsEnd).map { $0 - $1 }
        }
        writing.emit("AveragePool", node, inputs: [source], attributes: try window(rest, "AveragePool", writing))
    }

    /// Zeros around the data; returns the name of the padded data.
    static func writePad(
        _ node: NodeReader, _ kernel: PoolingKernel, _ input: String, _ writing: inout ONNXWriting
    ) throws -> String {
        let pads = [0, 0] + kernel.padsBegin + [0, 0] + kernel.countedPadsEnd
        let padded = node.node.name + "_padded"
        let amounts = writing.initializer(node.node.name + "_pads", Tensor(pads.map { Int64($0) }))
        writing.emit("Pad", node, inputs: [input, amounts], suffix: "_pad", outputs: [padded])
        return padded
    }

    /// ONNX has no sum: the mean, padding included, times the number of elements.
    private static func writeSum(
        _ node: NodeReader, _ kernel: PoolingKernel, _ input: String, _ isGlobal: Bool, _ writing: inout ONNXWriting
    ) throws {
        let mean = node.node.name + "_mean"
        let attributes =
            try isGlobal
            ? [] : window(kernel, "AveragePool", writing) + [ONNXAttribute("count_include_pad", .int(1))]
        writing.emit(
            isGlobal ? "GlobalAveragePool" : "AveragePool", node, inputs: [input], attributes: attributes,
            suffix: "_mean", outputs: [mean])
        let count = writing.initializer(
            node.node.name + "_count", Tensor(scalar: Float(kernel.window.reduce(1, *))))
        writing.emit("Mul", node, inputs: [mean, count])
    }

    static func read(_ reading: inout ONNXReading) throws {
        let type = reading.node.opType
        let power = try reading.integer("p") ?? 2
        let norm: PoolingAttributes.Kind = power == 2 ? .lp : .norm
        let kind = type.hasSuffix("MaxPool") ? .max : type.hasSuffix("LpPool") ? norm : .avg
        var attributes: Attributes = ["pool_type": .text(kind.rawValue)]
        if type.hasSuffix("LpPool") { attributes["p_value"] = .integer(power) }
        if kind == .avg {
            attributes["count_include_pad"] = .text(
                try reading.integer("count_include_pad") ?? 0 == 0 ? "False" : "True")
        }
        if type.hasPrefix("Global") {
            attributes["global_pool"] = .text("True")
            // It does not count, but says to MXNet how many axes there are.
            let axes = reading.shape(0).map { $0.rank - 2 } ?? 2
            attributes["kernel"] = .integers([Int](repeating: 1, count: max(axes, 1)))
            return reading.define("Pooling", attributes)
        }
        let window = try ONNXWindow(reading)
        attributes.merge(window.attributes) { _, new in new }
        if window.window.dilations.allSatisfy({ $0 == 1 }) { attributes["dilate"] = nil }
        if try reading.integer("ceil_mode") ?? 0 != 0 {
            let overlaps = window.window.kernel.indices.allSatisfy { axis in
                window.window.strides[axis] <= window.window.reach(axis)
            }
            attributes["pooling_convention"] = .text(overlaps ? "full" : "ceil")
        } else {
            attributes["pooling_convention"] = .text("valid")
        }
        guard reading.node.outputs.dropFirst().contains(where: { !$0.isEmpty }) else {
            return reading.define("Pooling", attributes)
        }
        attributes["storage_order"] = .integer(try reading.integer("storage_order") ?? 0)
        reading.define("MaxPoolWithIndices", attributes)
    }
}
