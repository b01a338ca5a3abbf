import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// One number for all elements along some axes (src/operator/tensor/broadcast_reduce_op.h): sum, mean, max … norm.
///
/// MXNet's older operators give a tensor of one element where all axes go; NumPy's and ONNX's give a scalar.
struct Reduction: OperatorDefinition {
    let name: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "a sum of codes needs another grid than its summands")
    private let givesScalars: Bool
    let operation: @Sendable (Attributes) throws -> ReductionKernel.Operation
    private let reading: [Reading]

    /// An ONNX operator that this one reads.
    struct Reading: Sendable {
        var type: String
        /// The operator that gives a scalar where all axes go.
        var scalarTwin: String
        var attributes: Attributes = [:]
    }

    init(
        _ name: String, aliases: [String] = [], isMXNets: Bool = true, givesScalars: Bool = false,
        reading: [Reading] = [], _ operation: @escaping @Sendable (Attributes) throws -> ReductionKernel.Operation
    ) {
        self.name = name
        var form = MXNetForm(name)
        form.names += aliases
        mxnet = isMXNets ? form : nil
        self.givesScalars = givesScalars
        self.reading = reading
        self.operation = operation
    }

    var summary: String {
        switch try? operation([:]) {
        case .sum: "sum along axes"
        case .mean: "mean along axes"
        case .product: "product along axes"
        case .maximum: "largest element along axes"
        case .minimum: "smallest element along axes"
        case .absoluteSum: "sum of magnitudes along axes"
        case .euclideanNorm: "norm along axes: of order 1 or 2"
        case .sumOfSquares: "sum of squares along axes"
        case .logSum: "logarithm of the sum along axes"
        case .logSumExp: "logarithm of the sum of exponentials along axes"
        case .sumSkippingNaN: "sum along axes, NaN as 0"
        case .productSkippingNaN: "product along axes, NaN as 1"
        case nil: "reduction along axes"
        }
    }

    var onnx: ONNXForm {
        if (try? operation([:]))?.onnxType == nil {
            return .unsupported(because: "ONNX has no reduction that skips NaN")
        }
        let definition = self
        var mapping = ONNXMapping(
            write: { node, writing in try definition.write(node, &writing) },
            read: { reading in try definition.read(&reading) })
        mapping.types = reading.map(\.type)
        return .mapped(mapping)
    }

    private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        guard let type = try operation(node.attributes).onnxType else { return }
        let form = try ReductionForm(node.attributes)
        let shape = try node.shape(0)
        let axes = try form.axes(of: shape)
        let dropsAll = axes.count == shape.rank && !form.keepsAxes && !givesScalars
        let (axesInputs, axesAttributes) = writing.axes(axes, node, areInputsFrom: type == "ReduceSum" ? 13 : 18)
        let inputs = [try writing.name(node, 0)] + axesInputs
        // All axes go, but one of extent 1 stays.
        let keeps = ONNXAttribute("keepdims", .int(form.keepsAxes ? 1 : 0))
        guard dropsAll else {
            return writing.emit(type, node, inputs: inputs, attributes: axesAttributes + [keeps])
        }
        let scalar = node.node.name + "_scalar"
        writing.emit(
            type, node, inputs: inputs, attributes: axesAttributes + [keeps], suffix: "_reduce", outputs: [scalar])
        let one = writing.initializer(node.node.name + "_shape", Tensor([1] as [Int64]))
        writing.emit("Reshape", node, inputs: [scalar, one])
    }

    private func read(_ node: inout ONNXReading) throws {
        guard let reading = reading.first(where: { $0.type == node.node.opType }) else { return }
        let keeps = try node.integer("keepdims") ?? 1 != 0
        var axes = try node.integers("axes")
        if node.hasInput(1) {
            guard let stored = node.constant(1) else { throw ModelError("its axes have to be stored in the model") }
            axes = stored.asInts()
        }
        if axes ?? [] == [] {
            if try node.integer("noop_with_empty_axes") ?? 0 != 0 {
                // Without axes, each element is reduced alone.
                guard ["ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin"].contains(reading.type) else {
                    throw ModelError(
                        "noop_with_empty_axes=1 without axes is not supported", advice: "leave the node out")
                }
                return node.define("_copy", inputs: Array(node.inputs.prefix(1)))
            }
            axes = nil
        }
        var attributes = reading.attributes
        if let axes { attributes["axis"] = .integers(axes) }
        attributes["keepdims"] = .text(keeps ? "True" : "False")
        let count = try node.shape(0).flatMap { shape in try axes.map { try shape.normalized(axes: $0).count } }
        let dropsAll = !keeps && (axes == nil || count.map { $0 == node.shape(0)?.rank } ?? false)
        node.define(dropsAll ? reading.scalarTwin : name, attributes, inputs: Array(node.inputs.prefix(1)))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        _ = try operation(node.attributes)
        let form = try ReductionForm(node.attributes), type = try node.type(0)
        let shape = try type.shape.map { shape -> Shape in
            let kernel = ReductionKernel(.sum, axes: try form.axes(of: shape), keepsAxes: form.keepsAxes)
            let result = try kernel.resultTypes([TensorType(.float32, shape)])[0].shape
            return result.rank == 0 && !givesScalars ? [1] : result
        }
        return [ValueType(type.dataType.computed, shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let form = try ReductionForm(node.attributes)
        let source = try lowering.floatValue(node, 0)
        let axes = try form.axes(of: lowering.type(of: LoweredValue(source)).shape)
        let kernel = ReductionKernel(try operation(node.attributes), axes: axes, keepsAxes: form.keepsAxes)
        var result = try lowering.add(kernel, [source], node)
        if lowering.type(of: LoweredValue(result)).shape.rank == 0 && !givesScalars {
            result = try lowering.add(ReshapeKernel([1]), [result], node)
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
        var examples = [
            example("one axis from the end", "axis=\"-1\""),
            example("two axes that stay", "axis=\"(0, 2)\", keepdims=\"True\""),
        ]
        if name != "_npi_mean" && mxnet == nil { examples.append(example("all axes", "")) }
        if name == "sum" || name == "norm" { examples.append(example("all axes", "axis=\"()\"")) }
        if name == "mean" { examples.append(example("all axes but one", "axis=\"1\", exclude=\"True\"")) }
        if name == "norm" { examples.append(example("of order 1", "axis=\"1\", ord=\"1\"")) }
        if name == "max" { examples.append(example("whole numbers", "axis=\"1\"", type: "int32")) }
        return examples
    }
}

extension Reduction {
    /// All of them.
    static let all: [Reduction] =
        [
            Reduction(
                "sum", aliases: ["sum_axis", "_sparse_sum"], reading: [.init(type: "ReduceSum", scalarTwin: "_np_sum")]
            ) { _ in .sum },
            Reduction("mean", aliases: ["_sparse_mean"], reading: [.init(type: "ReduceMean", scalarTwin: "_npi_mean")])
            { _ in .mean },
            Reduction("prod", reading: [.init(type: "ReduceProd", scalarTwin: "_np_prod")]) { _ in .product },
            Reduction("max", aliases: ["max_axis"], reading: [.init(type: "ReduceMax", scalarTwin: "_np_max")]) { _ in
                .maximum
            },
            Reduction("min", aliases: ["min_axis"], reading: [.init(type: "ReduceMin", scalarTwin: "_np_min")]) { _ in
                .minimum
            },
            Reduction("nansum") { _ in .sumSkippingNaN },
            Reduction("nanprod") { _ in .productSkippingNaN },
            Reduction(
                "norm", aliases: ["_sparse_norm"],
                reading: [
                    .init(type: "ReduceL1", scalarTwin: "ReduceL1", attributes: ["ord": .text("1")]),
                    .init(type: "ReduceL2", scalarTwin: "ReduceL2", attributes: ["ord": .text("2")]),
                ]
            ) { attributes in
                switch try attributes.integer("ord") ?? 2 {
                case 1: return .absoluteSum
                case 2: return .euclideanNorm
                case let order: throw ModelError("ord=\(order) is not supported", advice: "only 1 and 2 are")
                }
            },
            Reduction("_np_sum", givesScalars: true) { _ in .sum },
            Reduction("_npi_mean", givesScalars: true) { _ in .mean },
            Reduction("_np_prod", aliases: ["_np_product"], givesScalars: true) { _ in .product },
            Reduction("_np_max", aliases: ["_np_amax"], givesScalars: true) { _ in .maximum },
            Reduction("_np_min", aliases: ["_np_amin"], givesScalars: true) { _ in .minimum },
            Reduction("ReduceL1", isMXNets: false, givesScalars: true) { _ in .absoluteSum },
            Reduction("ReduceL2", isMXNets: false, givesScalars: true) { _ in .euclideanNorm },
        ]
        + [("ReduceSumSquare", .sumOfSquares), ("ReduceLogSum", .logSum), ("ReduceLogSumExp", .logSumExp)].map {
            (name: String, operation: ReductionKernel.Operation) in
            Reduction(name, isMXNets: false, givesScalars: true, reading: [.init(type: name, scalarTwin: name)]) { _ in
                operation
            }
        }
}

/// The attributes of the reductions (src/operator/tensor/broadcast_reduce_op.h).
struct ReductionForm {
    var axis: [Int]
    var keepsAxes: Bool
    /// `axis` are those that stay.
    var excludes: Bool

    init(_ attributes: Attributes) throws {
        axis = try attributes.integers("axis") ?? []
        keepsAxes = try attributes.boolean("keepdims") ?? false
        excludes = try attributes.boolean("exclude") ?? false
        for name in ["dtype", "out_dtype", "initial"] where attributes[name] ?? .text("None") != .text("None") {
            throw ModelError("\(name)=\(attributes.text(name) ?? "") is not supported")
        }
    }

    /// The axes that are reduced; all of them, if none is named.
    func axes(of shape: Shape) throws -> [Int] {
        let all = Array(shape.dimensions.indices)
        if axis.isEmpty { return all }
        let named = try shape.normalized(axes: axis)
        return excludes ? all.filter { !named.contains($0) } : named
    }
}

extension ReductionKernel.Operation {
    fileprivate var onnxType: String? {
        switch self {
        case .sum: "ReduceSum"
        case .mean: "ReduceMean"
        case .product: "ReduceProd"
        case .maximum: "ReduceMax"
        case .minimum: "ReduceMin"
        case .absoluteSum: "ReduceL1"
        case .euclideanNorm: "ReduceL2"
        case .sumOfSquares: "ReduceSumSquare"
        case .logSum: "ReduceLogSum"
        case .logSumExp: "ReduceLogSumExp"
        case .sumSkippingNaN, .productSkippingNaN: nil
        }
    }
}

extension ONNXWriting {
    /// Axes as ONNX wants them: an attribute, or, from some version on, a constant input.
    mutating func axes(
        _ axes: [Int], _ node: NodeReader, areInputsFrom version: Int
    ) -> (inputs: [String], attributes: [ONNXAttribute]) {
        guard opset >= version else { return ([], [ONNXAttribute("axes", .ints(axes))]) }
        return ([initializer(node.node.name + "_axes", Tensor(axes.map { Int64($0) }))], [])
    }
}
