import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's ConvInteger: int32 sums of products of codes less their zero points.
/// Inputs: data N×C×…, weights O×(C/groups)×…, zero point of the data, zero points of the weights: one, or one a channel.
struct IntegerConvolution: OperatorDefinition {
    let name = "ConvInteger"
    let summary = "convolution of codes with zero points, in int32"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it is part of a quantized model already")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "ConvInteger",
            write: { node, writing in
                let window = try IntegerConvolution.kernel(node)
                writing.emit(
                    "ConvInteger", node,
                    inputs: try node.node.inputs.indices.map { node.hasInput($0) ? try writing.name(node, $0) : "" },
                    attributes: [
                        ONNXAttribute("dilations", .ints(window.dilations)),
                        ONNXAttribute("group", .int(window.groups)),
                        ONNXAttribute("pads", .ints(window.padsBegin + window.padsEnd)),
                        ONNXAttribute("strides", .ints(window.strides)),
                    ])
            },
            read: { reading in
                guard let weights = reading.shape(1), weights.rank > 2 else {
                    throw ModelError("the shape of its weights is not known")
                }
                let window = try ONNXWindow(reading, kernel: Array(weights.dimensions[2...])).window
                guard window.automaticPadding == nil else {
                    throw ModelError("auto_pad needs the shape of its data")
                }
                reading.define(
                    "ConvInteger",
                    [
                        "dilate": .integers(window.dilations), "num_group": .integer(try reading.integer("group") ?? 1),
                        "pad": .integers(window.pads), "pad_end": .integers(window.padsEnd),
                        "stride": .integers(window.strides),
                    ])
            }))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...4 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let source = try node.type(0).shape, let weights = try node.type(1).shape else {
            return [ValueType(.int32, nil)]
        }
        let operands = [TensorType(.int32, source), TensorType(.int32, weights)]
        return [ValueType(.int32, try Self.kernel(node).resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try [0, 1].map { try lowering.centeredCodes(node, $0, zeroPoint: $0 + 2, axis: 0) }
        lowering.define(node, LoweredValue(try lowering.add(try Self.kernel(node), operands, node)))
    }

    private static func kernel(_ node: NodeReader) throws -> ConvolutionKernel {
        func list(_ name: String) throws -> [Int] { try node.attributes.extents(name) ?? [] }
        let kernel = ConvolutionKernel(
            strides: try list("stride"), dilations: try list("dilate"), padsBegin: try list("pad"),
            padsEnd: try list("pad_end"), groups: try node.attributes.integer("num_group") ?? 1,
            stage: OutputStage(outputType: .int32))
        let counts = Set([kernel.strides, kernel.dilations, kernel.padsBegin, kernel.padsEnd].map(\.count))
        guard counts.count == 1, kernel.strides.allSatisfy({ $0 > 0 }), kernel.dilations.allSatisfy({ $0 > 0 }) else {
            throw ModelError("stride, dilate and pad do not fit each other")
        }
        return kernel
    }

    let examples = [
        OperatorExample(
            "with zero points",
            """
            %data: uint8[1, 2, 4, 4] = input
            %weight: uint8[3, 2, 3, 3] = parameter(...)
            %zero: uint8[] = parameter(5)
            %weight_zero: uint8[] = parameter(9)
            %y_output = ConvInteger(%data, %weight, %zero, %weight_zero) {dilate=[1, 1], num_group=1, pad=[1, 1], pad_end=[1, 1], stride=[1, 1]}
            return %y_output
            """)
    ]
}
