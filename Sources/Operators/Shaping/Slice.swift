import GraphIR
import ONNXFormat
import TensorCore

/// data[begin₀:end₀:step₀, begin₁:end₁:step₁, …] as Python slices (src/operator/tensor/matrix_op.cc).
struct Slice: ArrangingOperator {
    let name = "slice"
    let summary = "a part along the first axes, in steps that may be negative"
    let mxnet: MXNetForm? = MXNetForm("slice", "crop", "_sparse_slice", "_npi_slice", "_npx_slice")

    var onnx: ONNXForm { .mapped(ONNXMapping("Slice", write: write, read: Self.read)) }

    /// What the attributes say of one axis.
    private struct Part {
        var begin: Int?
        var end: Int?
        var step: Int

        var isWhole: Bool { begin == nil && end == nil && step == 1 }
    }

    private func parts(_ node: NodeReader, _ source: Shape) throws -> [Part] {
        let begin = try node.attributes.optionalIntegers("begin") ?? []
        let end = try node.attributes.optionalIntegers("end") ?? []
        let step = try node.attributes.optionalIntegers("step") ?? []
        guard begin.count == end.count, step.isEmpty || step.count == begin.count, begin.count <= source.rank else {
            throw ModelError("begin, end and step have \(begin.count), \(end.count), \(step.count) axes for \(source)")
        }
        return begin.indices.map { Part(begin: begin[$0], end: end[$0], step: (step.isEmpty ? nil : step[$0]) ?? 1) }
    }

    func arrangements(_ node: NodeReader, _ source: Shape) throws -> [Arrangement] {
        var slices: [Int: AxisSlice] = [:]
        for (axis, part) in try parts(node, source).enumerated() {
            slices[axis] = try AxisSlice(from: part.begin, to: part.end, step: part.step, extent: source[axis])
        }
        var arrangement = Arrangement(source)
        arrangement.slice(slices)
        return [arrangement]
    }

    // MARK: ONNX

    @Sendable private func write(_ node: NodeReader, _ writing: inout ONNXWriting) throws {
        let parts = try parts(node, node.shape(0)).enumerated().filter { !$1.isWhole }
        guard !parts.isEmpty else { return try writeMoves(node, &writing) }
        writing.emitSlice(
            node, from: try writing.name(node, 0), axes: parts.map(\.offset),
            starts: parts.map { $1.begin ?? ($1.step > 0 ? 0 : Int.max) },
            ends: parts.map { $1.end ?? ($1.step > 0 ? Int.max : Int.min) }, steps: parts.map(\.element.step))
    }

    /// MXNet counts axes from the front, except where it slices one axis only.
    @Sendable private static func read(_ reading: inout ONNXReading) throws {
        guard let starts = try reading.integers("starts", orInput: 1),
            let ends = try reading.integers("ends", orInput: 2)
        else { throw ModelError("starts or ends is missing") }
        var axes = try reading.integers("axes", orInput: 3) ?? Array(starts.indices)
        let steps = try reading.integers("steps", orInput: 4) ?? starts.map { _ in 1 }
        guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
            throw ModelError("starts, ends, axes and steps are not as many")
        }
        let shape = reading.shape(0)
        let input = reading.inputs.first ?? nil
        let parts = starts.indices.map { index -> Part in
            // MXNet cuts off ends, but not beginnings.
            let extent = shape?.normalized(axis: axes[index]).flatMap { shape?[$0] } ?? Int(Int32.max)
            let (start, end, step) = (starts[index], ends[index], steps[index])
            return step > 0
                ? Part(
                    begin: start == 0 || start < -extent ? nil : start, end: end >= Int32.max ? nil : end, step: step)
                : Part(begin: start >= extent ? nil : start, end: end <= Int32.min ? nil : end, step: step)
        }
        if axes.contains(where: { $0 < 0 }) {
            if axes.count == 1, steps == [1], shape == nil {
                return reading.define(
                    "slice_axis",
                    [
                        "axis": .integer(axes[0]), "begin": .integer(parts[0].begin ?? 0),
                        "end": .text(parts[0].end.map(String.init) ?? "None"),
                    ], inputs: [input])
            }
            let rank = try reading.rank(0, for: "a slice of several axes that are counted from the end")
            axes = axes.map { $0 < 0 ? $0 + rank : $0 }
        }
        guard Set(axes).count == axes.count, axes.allSatisfy({ 0..<64 ~= $0 }) else {
            throw ModelError("axes (\(axes.commaSeparated)) are out of range, or there twice")
        }
        var all = [Part](repeating: Part(begin: nil, end: nil, step: 1), count: (axes.max() ?? -1) + 1)
        for (axis, part) in zip(axes, parts) { all[axis] = part }
        var attributes: Attributes = [
            "begin": .text(tuple(all.map(\.begin))), "end": .text(tuple(all.map(\.end))),
        ]
        if all.contains(where: { $0.step != 1 }) { attributes["step"] = .integers(all.map(\.step)) }
        reading.define("slice", attributes, inputs: [input])
    }

    /// As Python writes it.
    private static func tuple(_ values: [Int?]) -> String {
        let texts = values.map { $0.map(String.init) ?? "None" }
        return texts.count == 1 ? "(\(texts[0]),)" : "(\(texts.commaSeparated))"
    }

    var examples: [OperatorExample] {
        func example(_ title: String, _ attributes: String) -> OperatorExample {
            OperatorExample(
                title,
                """
                %data: float32[4, 5, 6] = input
                %part_output = slice(%data) {\(attributes)}
                return %part_output
                """)
        }
        return [
            example("of the first axes", "begin=\"(1, 2)\", end=\"(3, 4)\""),
            example("open ends", "begin=\"(None, 2, None)\", end=\"(None, None, -1)\""),
            example("in steps", "begin=\"(0, 4, -1)\", end=\"(4, 0, None)\", step=\"(2, -1, -2)\""),
            example("beyond the end", "begin=\"(1,)\", end=\"(9,)\""),
        ]
    }
}
