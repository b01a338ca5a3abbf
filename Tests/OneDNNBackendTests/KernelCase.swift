import Foundation
import Kernels
import TensorCore

/// One kernel with random operands, written as a line that can be pasted back into a table or into REQUANT_CASE:
///
///     conv u8s8u8 2x16x8x8 o=32 k=3x3 s=1 p=1 bias scales=oc post=sum:s8:0.5,relu
///
/// `p=1:0` pads one before and none after. Numbers that are not given are 1, pads 0. Words without `=` are flags;
/// `direct` hands a residual over as an input instead of the result of a step.
struct KernelCase: CustomStringConvertible, Sendable {
    let description: String
    private let words: [String]

    init(_ description: String) {
        self.description = description
        words = description.split(separator: " ").map(String.init)
    }

    private func value(_ key: String) -> String? {
        words.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.count + 1)) }
    }

    private func numbers(_ key: String, or standard: Int, count: Int) -> [Int] {
        let numbers = value(key)?.split(separator: "x").compactMap { Int($0) } ?? [standard]
        return numbers.count == count ? numbers : [Int](repeating: numbers[0], count: count)
    }

    private var pads: (begin: [Int], end: [Int]) {
        let ends = value("p")?.split(separator: ":").compactMap { Int($0) } ?? [0]
        return ([Int](repeating: ends[0], count: spatial), [Int](repeating: ends[ends.count - 1], count: spatial))
    }

    private var types: [DataType] {
        words[1].replacing("f32", with: "f").replacing("s32", with: "i").replacing("u8", with: "u")
            .replacing("s8", with: "s").map { Self.type(String($0)) }
    }

    private static func type(_ name: String) -> DataType {
        switch name {
        case "u", "u8": .uint8
        case "s", "s8": .int8
        case "i", "s32": .int32
        default: .float32
        }
    }

    private var shape: Shape { Shape(words[2].split(separator: "x").compactMap { Int($0) }) }
    private var spatial: Int { max(shape.rank - 2, 0) }

    /// Bit-identical results are expected where there are no floats to sum, except for `near`: oneDNN adds a bias after
    /// it has turned it and the sum into float32, which shows where they exceed 2^24.
    var isExact: Bool {
        (types[0] != .float32 || ["max", "quantize"].contains(words[0])) && !words.contains("near")
    }

    /// True for sums of products of codes, which only VNNI computes without saturating in between.
    var needsVNNI: Bool { types[0] != .float32 && ["conv", "fc"].contains(words[0]) }

    /// The program of one step, and its inputs.
    func program() throws -> (KernelProgram, [Tensor]) {
        var random = SeededGenerator(state: UInt64(value("seed") ?? "1") ?? 1)
        var program = KernelProgram()
        var inputs = [random.tensor(types[0], shape)]
        var operands = [program.addInput("source", inputs[0].type)]
        let kernel: any Kernel
        switch words[0] {
        case "conv", "fc":
            let outputs = numbers("o", or: 1, count: 1)[0], groups = numbers("g", or: 1, count: 1)[0]
            let window =
                words[0] == "fc"
                ? [shape.elementCount / shape[0]]
                : [shape[1] / groups] + numbers("k", or: 1, count: spatial)
            let weights = random.tensor(types[1], Shape([outputs] + window))
            operands.append(program.addConstant(weights))
            let stage = self.stage(channels: outputs, sumLength: window.reduce(1, *))
            if stage.hasBias {
                let magnitude = numbers("bias", or: 1, count: 1)[0]
                let bias =
                    types[0] == .float32
                    ? random.tensor(.float32, [outputs])
                    : Tensor(random.tensor(.int32, [outputs]).elements(as: Int32.self).map { $0 * Int32(magnitude) })
                operands.append(program.addConstant(bias))
            }
            let convolution = ConvolutionKernel(
                strides: numbers("s", or: 1, count: spatial), dilations: numbers("d", or: 1, count: spatial),
                padsBegin: pads.begin, padsEnd: pads.end, groups: groups, stage: stage)
            kernel = words[0] == "fc" ? InnerProductKernel(stage: stage) : convolution
            if stage.hasResidual {
                var plain = convolution
                plain.stage = OutputStage()
                let result =
                    words[0] == "fc"
                    ? [shape[0], outputs]
                    : try plain.resultTypes([inputs[0].type, weights.type])[0].shape
                inputs.append(random.tensor(residualType, result))
                let input = program.addInput("residual", inputs[1].type)
                // Through a step, so that it lies where a sum may overwrite it.
                operands.append(
                    residualType == .float32 && !words.contains("direct")
                        ? try program.add(ActivationKernel(.init(.abs)), [input], node: "abs")[0] : input)
            }
        case "max", "avg", "avgpad":
            let kinds: [String: PoolingKernel.Kind] = [
                "max": .max, "avg": .averageExcludingPadding, "avgpad": .averageIncludingPadding,
            ]
            kernel = PoolingKernel(
                kind: kinds[words[0]] ?? .max, window: numbers("k", or: 1, count: spatial),
                strides: numbers("s", or: 1, count: spatial), padsBegin: pads.begin, padsEnd: pads.end)
        case "quantize": kernel = QuantizeKernel(factor: factor, outputType: types[1])
        case "dequantize": kernel = DequantizeKernel(factor: factor, zeroPoint: Int(value("zp") ?? "0") ?? 0)
        case "softmax", "logsoftmax":
            kernel = SoftmaxKernel(axis: Int(value("axis") ?? "1") ?? 1, isLogarithm: words[0] == "logsoftmax")
        case "scaleshift":
            kernel = ScaleShiftKernel()
            for _ in 0..<2 { operands.append(program.addConstant(random.tensor(.float32, [shape[1]]))) }
        case "scaledadd":
            inputs.append(random.tensor(types[1], shape))
            operands.append(program.addInput("other", inputs[1].type))
            kernel = ScaledAddKernel(
                scaleA: factor, scaleB: 0.7, outputType: types[2], relu: words.contains("relu"))
        case "matmul":
            let other = Shape(value("with")?.split(separator: "x").compactMap { Int($0) } ?? [])
            inputs.append(random.tensor(.float32, other))
            operands.append(program.addInput("other", inputs[1].type))
            kernel = MatMulKernel(transposesA: words.contains("ta"), transposesB: words.contains("tb"))
        case "binary":
            let other = Shape(value("with")?.split(separator: "x").compactMap { Int($0) } ?? shape.dimensions)
            inputs.append(random.tensor(.float32, other))
            operands.append(program.addInput("other", inputs[1].type))
            kernel = BinaryKernel(BinaryOperation(rawValue: value("op") ?? "add") ?? .add)
        case "concat":
            inputs.append(
                random.tensor(types[0], Shape(value("with")?.split(separator: "x").compactMap { Int($0) } ?? [])))
            operands.append(program.addInput("other", inputs[1].type))
            kernel = ConcatenateKernel(axis: numbers("axis", or: 1, count: 1)[0])
        case "transpose":
            let axes = value("axes")?.split(separator: "x").compactMap { Int($0) } ?? []
            kernel = StridedViewKernel(
                shape: Shape(axes.map { shape[$0] }), strides: axes.map { shape.strides[$0] })
        default: kernel = ActivationKernel(try activation(words[0]))
        }
        program.outputs = [.init(name: "result", buffer: try program.add(kernel, operands, node: description)[0])]
        return (program, inputs)
    }

    private var factor: Float { Float(value("factor") ?? "0.3") ?? 0.3 }

    private var residualType: DataType {
        let sum = value("post")?.split(separator: ",").first { $0.hasPrefix("sum") }
        return Self.type(sum.map { String($0.split(separator: ":")[1]) } ?? "f32")
    }

    /// Scales bring the sums to about the size of the codes, so that some saturate and most do not.
    private func stage(channels: Int, sumLength: Int) -> OutputStage {
        let isInteger = types[0] != .float32
        let size = isInteger && types[2] != .int32 ? 0.01 / Float(sumLength).squareRoot() : 1
        let scales: [Float] =
            switch value("scales") {
            case "oc": (0..<channels).map { size * (0.5 + Float($0 % 7) / 7) }
            case "one": [size]
            default: []
            }
        let operations = (value("post") ?? "").split(separator: ",").compactMap { word -> PostOperation? in
            let parts = word.split(separator: ":").map(String.init)
            if parts[0] == "sum" { return .sum(scale: Float(parts[2]) ?? 1) }
            return (try? activation(parts[0])).map { .activation($0) }
        }
        return OutputStage(
            outputType: types[2], scales: scales, postOperations: operations,
            hasBias: words.contains { $0.hasPrefix("bias") })
    }

    private func activation(_ name: String) throws -> ActivationFunction {
        switch name {
        case "leaky": return .init(.relu, alpha: 0.25)
        case "clip": return .init(.clip, alpha: 0, beta: 6)
        case "elu": return .init(.elu, alpha: 0.5)
        case "linear": return .init(.linear, alpha: 0.5, beta: 0.25)
        default:
            guard let kind = ActivationFunction.Kind(rawValue: name) else { throw ModelError("no kernel '\(name)'") }
            return .init(kind)
        }
    }
}
