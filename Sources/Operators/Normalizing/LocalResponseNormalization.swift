import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// y = x / (knorm + alpha / nsize · Σ x²)^beta over nsize neighbouring channels (src/operator/nn/lrn.cc).
struct LocalResponseNormalization: OperatorDefinition {
    let name = "LRN"
    let summary = "local response normalization across channels"
    let mxnet: MXNetForm? = MXNetForm("LRN", hiddenOutputs: { _ in 1 })
    let quantization = QuantizationRule.float(because: "its power of a sum of squares leaves the grid of codes")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "LRN",
            write: { node, writing in
                let kernel = try LocalResponseNormalization.kernel(node.attributes)
                writing.emit(
                    "LRN", node, inputs: [try writing.name(node, 0)],
                    attributes: [
                        ONNXAttribute("alpha", .float(kernel.alpha)), ONNXAttribute("beta", .float(kernel.beta)),
                        ONNXAttribute("bias", .float(kernel.bias)), ONNXAttribute("size", .int(kernel.size)),
                    ])
            },
            read: { reading in
                guard let size = try reading.integer("size") else { throw ModelError("size is missing") }
                reading.define(
                    "LRN",
                    [
                        "alpha": .text("\(try reading.number("alpha") ?? 1e-4)"),
                        "beta": .text("\(try reading.number("beta") ?? 0.75)"),
                        "knorm": .text("\(try reading.number("bias") ?? 1)"), "nsize": .integer(size),
                    ])
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        _ = try Self.kernel(node.attributes)
        return [ValueType(.float32, try node.type(0).shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        lowering.define(node, LoweredValue(try lowering.add(try Self.kernel(node.attributes), [source], node)))
    }

    private static func kernel(_ attributes: Attributes) throws -> LocalResponseKernel {
        guard let size = try attributes.integer("nsize"), 1...(1 << 20) ~= size, size % 2 == 1 else {
            throw ModelError("nsize is missing or not odd", advice: "an even number of neighbours has no middle")
        }
        func number(_ name: String, _ fallback: Double) throws -> Float {
            Float(try attributes.number(name) ?? fallback)
        }
        return LocalResponseKernel(
            size: size, alpha: try number("alpha", 1e-4), beta: try number("beta", 0.75), bias: try number("knorm", 2))
    }

    let examples = [
        OperatorExample(
            "five channels",
            """
            %data: float32[2, 7, 3, 4] = input
            %lrn_output = LRN(%data) {alpha="0.01", beta="0.6", knorm="1.5", nsize="5"}
            return %lrn_output
            """),
        OperatorExample(
            "more than there are channels",
            """
            %data: float32[2, 3, 3, 4] = input
            %lrn_output = LRN(%data) {nsize="9"}
            return %lrn_output
            """),
    ]
}
