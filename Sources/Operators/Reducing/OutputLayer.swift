import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// The layers that networks of MXNet's Module API end in: what they compute forward, without their loss. The label, their
/// second input, is used by the gradient alone (src/operator/softmax_output-inl.h, regression_output-inl.h,
/// svm_output-inl.h); it need not be given.
struct OutputLayer: OperatorDefinition {
    enum Function {
        case identity, sigmoid
        case softmax(@Sendable (Attributes, _ rank: Int) throws -> Region)
    }

    /// What a softmax sums over.
    enum Region {
        case axis(Int)
        /// All axes but the first.
        case allButFirst
    }

    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let quantization = QuantizationRule.float(because: "it is the end of the network")
    private let function: Function
    private let hasLabel: Bool
    private let exampleAttributes: [(title: String, attributes: String, label: String)]

    static let all = [
        OutputLayer(
            "SoftmaxOutput", MXNetForm("SoftmaxOutput", "Softmax", labelInputs: [1]), "softmax with a loss",
            .softmax { attributes, rank in
                if try attributes.boolean("multi_output") ?? false { return .axis(1) }
                return try attributes.boolean("preserve_shape") ?? false ? .axis(-1) : .allButFirst
            },
            examples: [
                ("flattened", "", "2, 3"), ("for each position", "multi_output=\"True\"", "2, 4"),
                ("along the last axis", "preserve_shape=\"True\"", "2, 3"),
            ]),
        OutputLayer(
            "SoftmaxActivation", MXNetForm("SoftmaxActivation"), "softmax over the last axis, or over channels",
            .softmax { attributes, rank in
                switch attributes.text("mode") ?? "instance" {
                case "instance": return .axis(-1)
                case "channel": return .axis(1)
                case let mode: throw ModelError("mode=\(mode) is not known", advice: "expected instance, channel")
                }
            }, hasLabel: false, examples: [("over the last axis", "", ""), ("over channels", "mode=\"channel\"", "")]),
        OutputLayer(
            "LinearRegressionOutput",
            MXNetForm("LinearRegressionOutput", "_sparse_LinearRegressionOutput", labelInputs: [1]),
            "its input, with a squared loss", .identity),
        OutputLayer(
            "MAERegressionOutput", MXNetForm("MAERegressionOutput", "_sparse_MAERegressionOutput", labelInputs: [1]),
            "its input, with an absolute loss", .identity),
        OutputLayer(
            "SVMOutput", MXNetForm("SVMOutput", labelInputs: [1]), "its input, with a hinge loss", .identity,
            examples: [("passes on", "", "2")]),
        OutputLayer(
            "LogisticRegressionOutput",
            MXNetForm("LogisticRegressionOutput", "_sparse_LogisticRegressionOutput", labelInputs: [1]),
            "sigmoid with a loss", .sigmoid),
    ]

    private init(
        _ name: String, _ form: MXNetForm, _ summary: String, _ function: Function, hasLabel: Bool = true,
        examples: [(title: String, attributes: String, label: String)] = [("passes on", "", "2, 3, 4")]
    ) {
        self.name = name
        mxnet = form
        self.summary = summary
        self.function = function
        self.hasLabel = hasLabel
        exampleAttributes = examples
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { hasLabel ? 2...2 : 1...1 }

    var onnx: ONNXForm {
        let (name, function) = (name, function)
        return .mapped(
            ONNXMapping(
                write: { node, writing in
                    let input = try writing.name(node, 0)
                    switch function {
                    case .identity: writing.emit("Identity", node, inputs: [input])
                    case .sigmoid: writing.emit("Sigmoid", node, inputs: [input])
                    case .softmax(let region):
                        let shape = try node.shape(0), name = node.node.name
                        let axis: Int
                        switch try region(node.attributes, shape.rank) {
                        case .axis(let number): axis = number
                        case .allButFirst where shape.rank <= 2: axis = -1
                        case .allButFirst:
                            let rows = writing.initializer(name + "_rows", Tensor([0, -1] as [Int64]))
                            let extents = Tensor(shape.dimensions.enumerated().map { $0 == 0 ? 0 : Int64($1) })
                            let whole = writing.initializer(name + "_shape", extents)
                            let (flat, softmax) = (name + "_flat", name + "_softmax")
                            writing.emit(
                                "Reshape", node, inputs: [input, rows], suffix: "_flatten", outputs: [flat])
                            writing.emit(
                                "Softmax", node, inputs: [flat], attributes: [ONNXAttribute("axis", .int(-1))],
                                suffix: "_softmax", outputs: [softmax])
                            return writing.emit("Reshape", node, inputs: [softmax, whole])
                        }
                        writing.emit("Softmax", node, inputs: [input], attributes: [ONNXAttribute("axis", .int(axis))])
                    }
                }, read: { reading in reading.define(name) }))
    }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        let type = try node.type(0)
        if case .softmax(let region) = function, let shape = type.shape {
            guard shape.rank >= 1 else { throw ModelError("a scalar has no softmax") }
            if case .axis(let axis) = try region(node.attributes, shape.rank) { _ = try shape.normalized(axes: [axis]) }
        }
        return [ValueType(type.dataType.computed, type.shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        let shape = lowering.type(of: LoweredValue(source)).shape
        var result = source
        switch function {
        case .identity: result = try lowering.add(ReshapeKernel(shape), [source], node)
        case .sigmoid: result = try lowering.add(ActivationKernel(ActivationFunction(.sigmoid)), [source], node)
        case .softmax(let region):
            switch try region(node.attributes, shape.rank) {
            case .axis(let axis): result = try lowering.add(SoftmaxKernel(axis: axis), [source], node)
            case .allButFirst:
                let rows = Shape([shape[0], shape.dimensions[1...].reduce(1, *)])
                result = try lowering.add(ReshapeKernel(rows), [source], node)
                result = try lowering.add(SoftmaxKernel(axis: 1), [result], node)
                result = try lowering.add(ReshapeKernel(shape), [result], node)
            }
        }
        lowering.define(node, LoweredValue(result))
    }

    var examples: [OperatorExample] {
        exampleAttributes.map { title, attributes, label in
            OperatorExample(
                title,
                """
                %data: float32[2, 3, 4] = input
                \(hasLabel ? "%label: float32[\(label)] = input" : "")
                %softmax_output = \(name)(\(hasLabel ? "%data, %label" : "%data")) {\(attributes)}
                return %softmax_output
                """)
        }
    }
}
