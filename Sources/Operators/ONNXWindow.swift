import GraphIR
import ONNXFormat
import TensorCore

/// kernel_shape, strides, dilations, pads and auto_pad, as ONNX's Conv, ConvTranspose and pooling operators share them.
struct ONNXWindow {
    var window: WindowAttributes

    init(_ window: WindowAttributes) { self.window = window }

    /// - Parameter kernel: what kernel_shape is if it is left out.
    init(_ reading: ONNXReading, kernel: [Int] = []) throws {
        let kernel = try reading.integers("kernel_shape") ?? kernel
        let rank = kernel.count
        guard rank > 0 else { throw ModelError("kernel_shape is missing") }
        func list(_ name: String, _ fallback: Int, count: Int) throws -> [Int] {
            let values = try reading.integers(name) ?? [Int](repeating: fallback, count: count)
            guard values.allSatisfy({ 0...(1 << 30) ~= $0 }) else {
                throw ModelError("\(name) (\(values.commaSeparated)) is out of range")
            }
            guard values.count == count else { throw ModelError("\(name) has \(values.count) values for \(rank) axes") }
            return values
        }
        let mode = reading.text("auto_pad") ?? "NOTSET"
        var attributes: Attributes = [
            "kernel": .integers(kernel), "stride": .integers(try list("strides", 1, count: rank)),
            "dilate": .integers(try list("dilations", 1, count: rank)),
        ]
        switch mode {
        case "NOTSET":
            let pads = try list("pads", 0, count: 2 * rank)
            attributes["pad"] = .integers(Array(pads.prefix(rank)))
            attributes["pad_end"] = .integers(Array(pads.suffix(rank)))
        case "VALID": break
        default: attributes["auto_pad"] = .text(mode)
        }
        window = try WindowAttributes(attributes)
        if let shape = reading.shape(0), mode != "NOTSET", reading.node.opType != "ConvTranspose" {
            window = try window.resolved(over: shape)
        }
    }

    /// As MXNet spells them, and `pad_end` and `auto_pad` where MXNet has nothing like it.
    var attributes: Attributes {
        var attributes: Attributes = [
            "kernel": .integers(window.kernel), "stride": .integers(window.strides),
            "dilate": .integers(window.dilations), "pad": .integers(window.pads),
        ]
        if window.padsEnd != window.pads { attributes["pad_end"] = .integers(window.padsEnd) }
        if let mode = window.automaticPadding { attributes["auto_pad"] = .text(mode.rawValue) }
        return attributes
    }

    /// As ONNX spells them, among others, by name.
    func onnx(with others: [ONNXAttribute] = []) -> [ONNXAttribute] {
        let padding =
            self.window.automaticPadding.map { ONNXAttribute("auto_pad", .string($0.rawValue)) }
            ?? ONNXAttribute("pads", .ints(self.window.pads + window.padsEnd))
        let window = [
            ONNXAttribute("dilations", .ints(self.window.dilations)),
            ONNXAttribute("kernel_shape", .ints(self.window.kernel)),
            padding, ONNXAttribute("strides", .ints(self.window.strides)),
        ]
        return (window + others).sorted { $0.name < $1.name }
    }
}
