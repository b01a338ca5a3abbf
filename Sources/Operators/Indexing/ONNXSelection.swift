import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's operators on indices that MXNet lacks, or has in another form: GatherElements, GatherND, ScatterElements,
/// ScatterND. Indices count from the end if they are negative.
struct ONNXSelection: OperatorDefinition {
    enum Kind { case gatherElements, gatherND, scatterElements, scatterND }

    let name: String
    let summary: String
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "it selects; MXNet has no form on codes")
    let kind: Kind

    static let all = [
        ONNXSelection("GatherElements", .gatherElements, "elements along an axis, at an index for each place"),
        ONNXSelection("GatherND", .gatherND, "slices at tuples of indices, the last axis of a tensor"),
        ONNXSelection("ScatterElements", .scatterElements, "a tensor with elements replaced along an axis"),
        ONNXSelection("ScatterND", .scatterND, "a tensor with slices replaced at tuples of indices"),
    ]

    private init(_ name: String, _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }

    private var isScatter: Bool { kind == .scatterElements || kind == .scatterND }

    var onnx: ONNXForm {
        let (name, kind) = (name, kind)
        var mapping = ONNXMapping(
            name,
            write: { node, writing in
                let attributes = try ["axis", "batch_dims"].compactMap { name in
                    try node.attributes.integer(name).map { ONNXAttribute(name, .int($0)) }
                }
                let reduction = node.attributes.text("reduction").map { ONNXAttribute("reduction", .string($0)) }
                if let text = reduction?.value.text, writing.opset < (text == "max" || text == "min" ? 18 : 16) {
                    throw ModelError("reduction=\(text) needs a newer opset than \(writing.opset)")
                }
                let inputs = try node.node.inputs.indices.map { try writing.name(node, $0) }
                writing.emit(name, node, inputs: inputs, attributes: attributes + [reduction].compactMap { $0 })
            },
            read: { reading in
                var attributes: Attributes = [:]
                for name in ["axis", "batch_dims"] {
                    if let number = try reading.integer(name) { attributes[name] = .integer(number) }
                }
                if let reduction = reading.text("reduction"), reduction != "none" {
                    attributes["reduction"] = .text(reduction)
                }
                reading.define(name, attributes)
            })
        // The name until opset 10.
        if kind == .scatterElements { mapping.types.append("Scatter") }
        return .mapped(mapping)
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { isScatter ? 3...3 : 2...2 }

    private func kernel(_ attributes: Attributes) throws -> any Kernel {
        let axis = try attributes.integer("axis") ?? 0
        let reduction = try attributes.choice("reduction", default: ScatterReduction.none)
        return switch kind {
        case .gatherElements: GatherElementsKernel(axis: axis, mode: .fromEnd)
        case .gatherND: GatherNDKernel(batchAxes: try attributes.integer("batch_dims") ?? 0, mode: .fromEnd)
        case .scatterElements: ScatterElementsKernel(axis: axis, reduction: reduction)
        case .scatterND: ScatterNDKernel(reduction: reduction)
        }
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let kernel = try kernel(node.attributes)
        let types = try node.node.inputs.indices.map { try node.type($0) }
        let shapes = types.compactMap(\.shape), type = types[0].dataType.computed
        guard shapes.count == types.count else { return [ValueType(type, isScatter ? types[0].shape : nil)] }
        let operands = zip(types, shapes).map { TensorType($0.dataType.computed, $1) }
        return [ValueType(type, try kernel.resultTypes(operands)[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        var operands = [try lowering.floatValue(node, 0), try lowering.value(node, 1).buffer]
        if isScatter { operands.append(try lowering.floatValue(node, 2)) }
        lowering.define(node, LoweredValue(try lowering.add(try kernel(node.attributes), operands, node)))
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ indices: String, _ updates: String?, _ attributes: String = "")
            -> OperatorExample
        {
            OperatorExample(
                title,
                """
                %data: float32[2, 3] = input
                %indices: \(indices)
                \(updates.map { "%updates: float32[\($0)] = input" } ?? "")
                %out_output = \(name)(%data, %indices\(updates == nil ? "" : ", %updates")) {\(attributes)}
                return %out_output
                """)
        }
        switch kind {
        case .gatherElements:
            return [example("an axis", "int64[2, 2] = parameter(0, -1, 2, 1)", nil, "axis=\"1\"")]
        case .gatherND:
            return [
                example("rows", "int64[3, 1] = parameter(1, 0, -1)", nil),
                example("an element of each batch", "int64[2, 1] = parameter(2, -2)", nil, "batch_dims=\"1\""),
            ]
        case .scatterElements:
            return [example("an axis", "int64[2, 2] = parameter(0, -1, 2, 1)", "2, 2", "axis=\"1\"")]
        case .scatterND: return [example("rows", "int64[1, 1] = parameter(-1)", "1, 3")]
        }
    }
}
