import GraphIR
import TensorCore

/// kernel_shape, strides, dilations and pads, as ONNX's Conv and pooling operators share them.
struct ONNXWindow {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var padsBegin: [Int]
    var padsEnd: [Int]

    init(_ reading: ONNXReading, kernel: [Int]) throws {
        let rank = kernel.count
        guard rank > 0 else { throw ModelError("kernel_shape is missing") }
        if let mode = reading.text("auto_pad"), mode != "NOTSET", mode != "VALID" {
            throw ModelError("auto_pad=\(mode) is not supported", advice: "export the model with explicit pads")
        }
        func list(_ name: String, _ fallback: Int, count: Int) throws -> [Int] {
            let values = try reading.integers(name) ?? [Int](repeating: fallback, count: count)
            guard values.allSatisfy({ 0...(1 << 30) ~= $0 }) else {
                throw ModelError("\(name) (\(values.commaSeparated)) is out of range")
            }
            guard values.count == count else { throw ModelError("\(name) has \(values.count) values for \(rank) axes") }
            return values
        }
        self.kernel = kernel
        strides = try list("strides", 1, count: rank)
        dilations = try list("dilations", 1, count: rank)
        let pads = try list("pads", 0, count: 2 * rank)
        padsBegin = Array(pads.prefix(rank))
        padsEnd = Array(pads.suffix(rank))
    }

    /// As MXNet's Convolution has them; `pad_end` only where the two ends differ.
    var attributes: Attributes {
        var attributes: Attributes = [
            "kernel": .integers(kernel), "stride": .integers(strides), "dilate": .integers(dilations),
            "pad": .integers(padsBegin),
        ]
        if padsEnd != padsBegin { attributes["pad_end"] = .integers(padsEnd) }
        return attributes
    }
}
