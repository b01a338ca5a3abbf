import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Sums of the elements up to each one, along an axis; without an axis, of all elements as one row
/// (src/operator/numpy/np_cumsum.cc).
struct CumulativeSum: OperatorDefinition {
    let name: String
    let mxnet: MXNetForm?

    /// MXNet's sums are inclusive and run forward; ONNX's CumSum has both ways.
    static let all = [CumulativeSum("cumsum", MXNetForm("cumsum", "_np_cumsum")), CumulativeSum("CumSum", nil)]

    init(_ name: String, _ mxnet: MXNetForm?) {
        self.name = name
        self.mxnet = mxnet
    }

    let summary = "sums of all elements up to each one"
    let quantization = QuantizationRule.float(because: "a sum of codes needs another grid than its summands")

    var onnx: ONNXForm {
        var mapping = ONNXMapping(
            write: { node, writing in
                let form = try CumulativeSumForm(node.attributes)
                var input = try writing.name(node, 0)
                if form.axis == nil {
                    let row = writing.initializer(node.node.name + "_row", Tensor([-1] as [Int64]))
                    let flat = node.node.name + "_flat"
                    writing.emit("Reshape", node, inputs: [input, row], suffix: "_flatten", outputs: [flat])
                    input = flat
                }
                let axis = writing.initializer(node.node.name + "_axis", Tensor(scalar: Int64(form.axis ?? 0)))
                var attributes: [ONNXAttribute] = []
                if form.isExclusive { attributes.append(ONNXAttribute("exclusive", .int(1))) }
                if form.isReversed { attributes.append(ONNXAttribute("reverse", .int(1))) }
                writing.emit("CumSum", node, inputs: [input, axis], attributes: attributes)
            },
            read: { reading in
                guard let axis = reading.constant(1)?.asInts().first else {
                    throw ModelError("its axis has to be stored in the model")
                }
                var attributes: Attributes = ["axis": .integer(axis)]
                for name in ["exclusive", "reverse"] where try reading.integer(name) ?? 0 != 0 {
                    attributes[name] = .integer(1)
                }
                // MXNet's axis does not count from the end.
                let isMXNets = attributes.count == 1 && axis >= 0
                reading.define(isMXNets ? "cumsum" : "CumSum", attributes, inputs: Array(reading.inputs.prefix(1)))
            })
        if mxnet == nil { mapping.types = ["CumSum"] }
        return .mapped(mapping)
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let form = try CumulativeSumForm(node.attributes), type = try node.type(0)
        let shape = try type.shape.map { shape -> Shape in
            guard let axis = form.axis else { return [shape.elementCount] }
            _ = try shape.normalized(axes: [axis])
            return shape
        }
        return [ValueType(type.dataType.computed, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let form = try CumulativeSumForm(node.attributes)
        var source = try lowering.floatValue(node, 0)
        if form.axis == nil {
            let count = lowering.type(of: LoweredValue(source)).shape.elementCount
            source = try lowering.add(ReshapeKernel([count]), [source], node)
        }
        let kernel = CumulativeSumKernel(
            axis: form.axis ?? 0, isExclusive: form.isExclusive, isReversed: form.isReversed)
        lowering.define(node, LoweredValue(try lowering.add(kernel, [source], node)))
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ attributes: String, type: String = "float32") -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: \(type)[2, 3, 4] = input
                %sum_output = \(name)(%data) {\(attributes)}
                return %sum_output
                """)
        }
        guard mxnet != nil else {
            return [example("exclusive, from the end", "axis=\"-1\", exclusive=\"1\", reverse=\"1\"")]
        }
        return [
            example("one axis", "axis=\"1\""), example("all elements", ""),
            example("whole numbers", "axis=\"2\"", type: "int32"),
        ]
    }
}

private struct CumulativeSumForm {
    var axis: Int?
    var isExclusive: Bool
    var isReversed: Bool

    init(_ attributes: Attributes) throws {
        axis = try attributes.integer("axis")
        isExclusive = try attributes.boolean("exclusive") ?? false
        isReversed = try attributes.boolean("reverse") ?? false
        if let type = attributes.text("dtype"), type != "None" { throw ModelError("dtype=\(type) is not supported") }
    }
}
