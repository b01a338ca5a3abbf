import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The index of the largest or smallest element along an axis; without an axis, among all elements
/// (src/operator/tensor/broadcast_reduce_op_index.cc). MXNet's older operators give it as a number of the data's type.
struct ArgReduction: OperatorDefinition {
    enum Style { case classic, channel, numPy, onnx }

    let name: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "an index is no code")
    let findsLargest: Bool
    private let style: Style

    init(_ name: String, findsLargest: Bool, _ style: Style) {
        self.name = name
        mxnet = style == .onnx ? nil : MXNetForm(name)
        self.findsLargest = findsLargest
        self.style = style
    }

    static let all = [
        ArgReduction("argmax", findsLargest: true, .classic), ArgReduction("argmin", findsLargest: false, .classic),
        ArgReduction("argmax_channel", findsLargest: true, .channel),
        ArgReduction("_npi_argmax", findsLargest: true, .numPy),
        ArgReduction("_npi_argmin", findsLargest: false, .numPy),
        ArgReduction("ArgMax", findsLargest: true, .onnx), ArgReduction("ArgMin", findsLargest: false, .onnx),
    ]

    var summary: String { "index of the \(findsLargest ? "largest" : "smallest") element along an axis" }

    private var onnxType: String { findsLargest ? "ArgMax" : "ArgMin" }

    var onnx: ONNXForm {
        let definition = self
        var mapping = ONNXMapping(
            write: { node, writing in try definition.write(node, &writing) },
            read: { reading in
                var attributes: Attributes = [
                    "axis": .integer(try reading.integer("axis") ?? 0),
                    "keepdims": .text(try reading.integer("keepdims") ?? 1 == 0 ? "False" : "True"),
                ]
                let takesLast = try reading.integer("select_last_index") ?? 0 != 0
                if takesLast { attributes["select_last_index"] = .integer(1) }
                reading.define(
                    takesLast ? definition.name : "_npi_arg\(definition.findsLargest ? "max" : "min")", attributes)
            })
        if style == .onnx { mapping.types = [onnxType] }
        return .mapped(mapping)
    }

    private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let kernel = try kernel(node.attributes, of: try node.type(0))
        var input = try writing.name(node, 0)
        let hasAxis = try axis(node.attributes) != nil
        let prefix = node.node.name
        if !hasAxis {
            let row = writing.initializer(prefix + "_row", Tensor([-1] as [Int64]))
            writing.emit("Reshape", node, inputs: [input, row], suffix: "_flatten", outputs: [prefix + "_flat"])
            input = prefix + "_flat"
        }
        var attributes = [
            ONNXAttribute("axis", .int(kernel.axis)), ONNXAttribute("keepdims", .int(kernel.keepsAxis ? 1 : 0)),
        ]
        if kernel.takesLast { attributes.append(ONNXAttribute("select_last_index", .int(1))) }
        let result = try inferTypes(node)[0]
        let isWhole = kernel.outputType == .int64
        let reshapes = !hasAxis && result.shape?.rank != (kernel.keepsAxis ? 1 : 0)
        let index = isWhole && !reshapes ? writing.output(node) : prefix + "_index"
        writing.emit(
            onnxType, node, inputs: [input], attributes: attributes,
            suffix: isWhole && !reshapes ? "" : "_index", outputs: [index])
        var last = index
        if !isWhole {
            last = reshapes ? prefix + "_number" : writing.output(node)
            writing.cast(node, index, to: kernel.outputType, suffix: reshapes ? "_cast" : "", output: last)
        }
        guard reshapes, let shape = result.shape else { return }
        let extents = writing.initializer(prefix + "_shape", Tensor(shape.dimensions.map { Int64($0) }))
        writing.emit("Reshape", node, inputs: [last, extents])
    }

    private func axis(_ attributes: Attributes) throws -> Int? {
        style == .channel ? 1 : try attributes.integer("axis") ?? (style == .onnx ? 0 : nil)
    }

    func kernel(_ attributes: Attributes, of type: ValueType) throws -> ArgReductionKernel {
        ArgReductionKernel(
            findsLargest: findsLargest, axis: try axis(attributes) ?? 0,
            keepsAxis: try attributes.boolean("keepdims") ?? (style == .onnx),
            takesLast: try attributes.boolean("select_last_index") ?? false,
            outputType: style == .numPy || style == .onnx ? .int64 : type.dataType.computed)
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0), kernel = try kernel(node.attributes, of: type)
        let shape = try type.shape.map { shape -> Shape in
            guard try axis(node.attributes) != nil else {
                if kernel.keepsAxis { return Shape([Int](repeating: 1, count: shape.rank)) }
                return style == .numPy ? [] : [1]
            }
            let result = try kernel.resultTypes([TensorType(.float32, shape)])[0].shape
            return result.rank == 0 && style != .numPy && style != .onnx ? [1] : result
        }
        return [ValueType(kernel.outputType, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        var source = try lowering.floatValue(node, 0)
        if try axis(node.attributes) == nil {
            let count = lowering.type(of: LoweredValue(source)).shape.elementCount
            source = try lowering.add(ReshapeKernel([count]), [source], node)
        }
        var result = try lowering.add(try kernel(node.attributes, of: try node.type(0)), [source], node)
        let shape = try inferTypes(node)[0].shape
        if let shape, lowering.type(of: LoweredValue(result)).shape != shape {
            result = try lowering.add(ReshapeKernel(shape), [result], node)
        }
        lowering.define(node, LoweredValue(result))
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ attributes: String, type: String = "float32") -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: \(type)[2, 3, 4] = input
                %out_output = \(name)(%data) {\(attributes)}
                return %out_output
                """)
        }
        switch style {
        case .channel: return [example("axis 1", "")]
        case .onnx:
            let ties = OperatorExample(
                "the last of several",
                """
                %data: float32[2, 4] = input
                %out_output = \(name)(%data) {axis="-1", select_last_index="1"}
                return %out_output
                """)
            return [ties]
        case .numPy:
            return [example("one axis", "axis=\"1\""), example("an axis that stays", "axis=\"-1\", keepdims=\"True\"")]
        case .classic:
            return [
                example("one axis", "axis=\"1\""), example("an axis that stays", "axis=\"-1\", keepdims=\"True\""),
                example("among all elements", ""), example("whole numbers", "axis=\"0\"", type: "int32"),
            ]
        }
    }
}
