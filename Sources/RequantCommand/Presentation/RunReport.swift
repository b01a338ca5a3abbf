import Comparison
import Requant
import TensorCore

/// What a run gave; `Schemas/run.schema.json` describes its JSON.
struct RunReport: Encodable {
    struct Row: Encodable {
        var name: String
        var type: String
        var shape: [Int]
        /// Of the values as they are stored.
        var minimum: Double
        var maximum: Double
    }

    var samples: Int
    var values: [Row]
    /// The share of samples whose largest logit is that of the label, in 0…1.
    var top1: Double?

    init(_ result: RunResult) {
        samples = result.samples
        top1 = result.top1
        values = result.values.map { name, tensor in
            let (minimum, maximum) = tensor.asFloat32().withElements(as: Float.self) { elements in
                (elements.min() ?? 0, elements.max() ?? 0)
            }
            return Row(
                name: name, type: tensor.dataType.description, shape: tensor.shape.dimensions,
                minimum: Double(minimum), maximum: Double(maximum))
        }
    }

    var text: String {
        var table = TextTable(header: ["value", "type", "shape", "min", "max"], words: [0, 1, 2])
        for row in values {
            table.add([
                row.name, row.type, Wording.shape(row.shape), Wording.number(row.minimum), Wording.number(row.maximum),
            ])
        }
        let accuracy = top1.map { "top-1    \(Wording.percent($0))\n" } ?? ""
        return table.text + "\nsamples  \(samples)\n" + accuracy
    }
}
