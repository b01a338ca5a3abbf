import Comparison
import Requant
import TensorCore

/// What `inspect` prints; `Schemas/inspect.schema.json` describes its JSON.
struct InspectReport: Encodable {
    enum Content {
        case model(ModelSummary)
        case arrays(ArrayFileSummary)
        case records(RecordFileSummary)
        case ranges(RangeFileSummary)
        case image(ImageFileSummary)
    }

    var content: Content
    var layers: [LayerRow]?
    var weights: [WeightRow]?

    private enum Key: CodingKey { case summary, arrays, records, ranges, image, layers, weights }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch content {
        case .model(let summary): try container.encode(summary, forKey: .summary)
        case .arrays(let summary): try container.encode(summary, forKey: .arrays)
        case .records(let summary): try container.encode(summary, forKey: .records)
        case .ranges(let summary): try container.encode(summary, forKey: .ranges)
        case .image(let summary): try container.encode(summary, forKey: .image)
        }
        try container.encodeIfPresent(layers, forKey: .layers)
        try container.encodeIfPresent(weights, forKey: .weights)
    }

    var text: String {
        var sections: [String]
        switch content {
        case .model(let summary): sections = [summary.text]
        case .arrays(let summary): sections = weights == nil ? [summary.text, summary.table] : [summary.text]
        case .records(let summary): sections = [summary.text, summary.table]
        case .ranges(let summary): sections = [summary.text, summary.table]
        case .image(let summary): sections = [summary.text]
        }
        if let layers { sections.append(Self.table(of: layers)) }
        if let weights { sections.append(Self.table(of: weights)) }
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func table(of layers: [LayerRow]) -> String {
        var table = TextTable(header: ["layer", "operator", "result", "stands for"], words: [0, 1, 2, 3])
        for row in layers {
            let origins = row.origins == [row.name] ? "" : row.origins.joined(separator: " + ")
            table.add([row.name, row.operator, row.type, origins])
        }
        return table.text
    }

    private static func table(of weights: [WeightRow]) -> String {
        var table = TextTable(
            header: ["parameter", "type", "shape", "min", "max", "mean", "std", "dead channels"], words: [0, 1, 2])
        for row in weights {
            let numbers = [row.minimum, row.maximum, row.mean, row.standardDeviation].map(Wording.number)
            let dead = row.deadChannels.map { "\($0) of \(row.shape[0])" } ?? ""
            table.add([row.name, row.type, Wording.shape(row.shape)] + numbers + [dead])
        }
        let broken = weights.filter { $0.nonFinite > 0 }.map {
            "\($0.name): \(Wording.count($0.nonFinite, "element")) not finite\n"
        }
        return table.text + broken.joined()
    }
}

extension ModelSummary {
    fileprivate var text: String {
        var lines = ["model      \(name)", "format     \(format)" + (producer.map { ", made by \($0)" } ?? "")]
        if !upgrades.isEmpty {
            lines.append(
                "upgraded   \(Wording.count(upgrades.count, "change")) that MXNet 1.9.1 makes when it loads it:")
            lines += Wording.shortened(upgrades).map { "           \($0)" }
        }
        lines +=
            inputs.map { ($0.isLabel ? "label      " : "input      ") + $0.text }
            + outputs.map { "output     \($0.text)" }
        lines.append("nodes      \(nodes): " + operators.map { "\($0.count) \($0.operator)" }.commaSeparated)
        lines.append(
            "parameters \(parameters) in \(Wording.count(parameterTensors, "tensor")), \(Wording.bytes(parameterBytes))"
        )
        lines.append(
            "quantized  "
                + (quantizedShare.map {
                    "\(quantizedLayers) of \(Wording.count(weightedLayers, "layer")) with weights (\(Wording.percent($0)))"
                } ?? (missing.isEmpty ? "no layer with weights is known" : "not known without the parameters")))
        if !fusedLayers.isEmpty {
            let swallowed = fusedLayers.reduce(0) { $0 + $1.nodes.count }
            lines.append(
                "fused      \(Wording.count(swallowed, "node")) in \(Wording.count(fusedLayers.count, "layer")); "
                    + "--layers tells which")
        }
        if !possible.isEmpty { lines.append("can        \(possible.map(\.text).commaSeparated)") }
        lines += impossibilities + advice + trapLines + problems
        if !inputsWithoutShape.isEmpty {
            let options = inputsWithoutShape.map { "--shape \($0)=1,3,224,224" }.joined(separator: " ")
            lines.append("The shapes are not known: give them with \(options), or whatever they are.")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// A line for each operator and reason, whatever it keeps from being done.
    private var impossibilities: [String] {
        var actions: [String: [String]] = [:]
        var order: [String] = []
        for obstacle in obstacles {
            let text = "\(obstacle.operator): \(obstacle.reason) (\(Wording.list(obstacle.nodes)))"
            if actions[text] == nil { order.append(text) }
            actions[text, default: []].append(obstacle.action.rawValue)
        }
        return order.map { "cannot \(actions[$0, default: []].commaSeparated)  \($0)" }
    }

    /// A line for each advice, and the operators that it is about.
    private var advice: [String] {
        var operators: [String: [String]] = [:]
        var order: [String] = []
        for obstacle in obstacles {
            guard let advice = obstacle.advice else { continue }
            if operators[advice] == nil { order.append(advice) }
            if operators[advice]?.contains(obstacle.operator) != true {
                operators[advice, default: []].append(obstacle.operator)
            }
        }
        return order.map { "advice     \(Wording.list(operators[$0, default: []])): \($0)" }
    }

    private var trapLines: [String] {
        traps.flatMap { trap in
            let label = trap.severity.rawValue
            return [
                label + String(repeating: " ", count: max(11 - label.count, 1)) + trap.line,
                "           why: \(trap.reason)",
                "           do: \(trap.advice)",
            ]
        }
    }

    /// What does not fit in the files.
    private var problems: [String] {
        [("missing    ", missing), ("unused     ", superfluous)].filter { !$0.1.isEmpty }
            .map { "\($0)\(Wording.count($1.count, "parameter")): \(Wording.list($1))" }
            + mismatched.map { "mismatch   \($0)" } + losses.map { "note       \($0)" }
    }
}

extension ModelSummary.Port {
    fileprivate var text: String {
        "\(name)  \(type) \(Wording.shape(shape))"
            + (openShape.map { " (open: \($0.joined(separator: "×")))" } ?? "")
            + (isLabel ? " (to train with; not needed to run)" : "")
    }
}

extension ModelSummary.Obstacle.Action {
    fileprivate var text: String { self == .convert ? "convert to ONNX" : rawValue }
}
