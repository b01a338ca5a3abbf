import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Codes or int32 sums → float (src/operator/quantization/dequantize-inl.h), or ONNX's DequantizeLinear.
struct Dequantize: OperatorDefinition {
    let name = "Dequantize"
    let summary = "int8, uint8 or int32 to float"
    let mxnet: MXNetForm? = MXNetForm(
        "_contrib_dequantize", quantizedOutputIsTriple: { _ in false }, isAlwaysQuantized: true)
    let quantization = QuantizationRule.float(because: "it is what ends a quantized part")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "DequantizeLinear",
            write: { node, writing in
                let type = try node.type(0)
                guard let grid = type.quantization?.grid else {
                    throw ModelError(
                        "its range is found at run time, which QDQ cannot say", advice: "calibrate the model first")
                }
                let codes = try node.input(0)
                var inputs = [codes.name] + writing.gridNames(grid, type.dataType, of: codes.name)
                if let tensor = codes.tensor { inputs[0] = writing.initializer(codes.name, tensor) }
                let attributes = grid.axis.map { [ONNXAttribute("axis", .int($0))] } ?? []
                writing.emit("DequantizeLinear", node, inputs: inputs, attributes: attributes)
            },
            read: { reading in
                let inputs = ONNXGridInputs(codes: 0, scale: 1, zeroPoint: 2, axis: try reading.integer("axis"))
                try reading.defineDequantized(inputs)
            }))

    func inferTypes(_ node: NodeReader) throws -> [ValueType] { [ValueType(.float32, try node.type(0).shape)] }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        if let stored = try node.input(0).tensor {
            lowering.define(node, LoweredValue(lowering.addConstant(try dequantized(stored, node))))
            return
        }
        let source = try lowering.value(node, 0)
        let result =
            switch source.codes {
            case .grid(let codesPerUnit, let zeroPoint):
                try lowering.add(
                    DequantizeKernel(factor: try unitsPerCode(node, codesPerUnit), zeroPoint: zeroPoint),
                    [source.buffer], node)
            case .accumulators(let unit): try lowering.add(DequantizeKernel(factor: unit), [source.buffer], node)
            case .rangeBuffer(let range): try lowering.add(RunTimeDequantizeKernel(), [source.buffer, range], node)
            case nil: throw ModelError("its input is not quantized")
            }
        lowering.define(node, LoweredValue(result))
    }

    /// Stored codes, such as the weights of QDQ form, are read once.
    private func dequantized(_ codes: Tensor, _ node: NodeReader) throws -> Tensor {
        guard let grid = try node.type(0).quantization?.grid else { throw ModelError("its input is not quantized") }
        let values = codes.floats()
        let zeroPoint = Float(grid.zeroPoint)
        let axis = grid.axis.flatMap { codes.shape.normalized(axis: $0) } ?? 0
        let inner = codes.shape.rank == 0 ? 1 : codes.shape.strides[axis]
        guard grid.steps.count == 1 || codes.shape.rank > 0 && codes.shape[axis] == grid.steps.count else {
            throw ModelError("\(grid.steps.count) steps do not fit axis \(axis) of \(codes.shape)")
        }
        let real = values.indices.map { index in
            (values[index] - zeroPoint)
                * (grid.steps.count == 1 ? grid.steps[0] : grid.steps[index / inner % grid.steps.count])
        }
        return Tensor(real, shape: codes.shape)
    }

    /// The step of the grid, which was rounded once, unless the arithmetic at hand reads the codes in another way.
    private func unitsPerCode(_ node: NodeReader, _ codesPerUnit: Float) throws -> Float {
        guard let step = try node.type(0).quantization?.grid?.steps[0], abs(step * codesPerUnit - 1) < 1e-5 else {
            return 1 / codesPerUnit
        }
        return step
    }

    let examples = [
        OperatorExample(
            "codes of a calibrated range",
            """
            %data: float32[2, 3, 4] = input
            %q_output = Quantize(%data) {max_calib_range="0.9", min_calib_range="-0.5", out_type="int8"} origins=[data]
            %d_output = Dequantize(%q_output) origins=[data]
            return %d_output
            """)
    ]
}
