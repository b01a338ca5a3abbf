import Comparison
import Requant
import TensorCore

extension ArrayFileSummary {
    var text: String {
        var lines = ["file       \(name)", "format     \(format)" + (age.map { ", written by \($0)" } ?? "")]
        if let naming { lines.append("names      \(naming)") }
        lines.append(
            "arrays     \(arrays.count), \(Wording.count(elements, "element")), \(Wording.bytes(bytes))")
        lines += arrays.compactMap { row in row.problem.map { "problem    \(row.name): \($0)" } }
        return lines.map { $0 + "\n" }.joined()
    }

    /// A row for each array; the columns that would say the same of all are left out.
    var table: String {
        guard !arrays.isEmpty else { return "" }
        let hasKinds = arrays.contains { $0.kind != nil }, hasSparse = arrays.contains { $0.storage != .dense }
        var table = TextTable(
            header: ["array"] + (hasKinds ? ["kind"] : []) + ["type", "shape"] + (hasSparse ? ["storage"] : []),
            words: [0, 1, 2, 3, 4])
        for (index, row) in arrays.enumerated() {
            let shape = row.shape == nil && row.storage == .none ? "" : Wording.shape(row.shape)
            table.add(
                [row.name.isEmpty ? "\(index)" : row.name] + (hasKinds ? [row.kind ?? ""] : []) + [row.type, shape]
                    + (hasSparse ? [row.storage.rawValue] : []))
        }
        return table.text
    }
}

extension RecordFileSummary {
    var text: String {
        let index = isIndexed ? "with an index" : "without an index: keys are numbers"
        return "file       \(name)\nformat     RecordIO, \(index)\nrecords    \(count)\n"
    }

    var table: String {
        guard !rows.isEmpty else { return "" }
        var table = TextTable(header: ["key", "bytes", "labels", "image"], words: [0, 2, 3])
        for row in rows {
            let labels = (row.labels ?? []).map { Wording.number(Double($0)) }
            let size = row.width.flatMap { width in row.height.map { "\(width)×\($0)" } } ?? row.problem ?? ""
            table.add([row.key, "\(row.bytes)", Wording.list(labels), row.image.map { "\($0) \(size)" } ?? "none"])
        }
        return table.text + (count > rows.count ? "… and \(Wording.count(count - rows.count, "record")) more\n" : "")
    }
}

extension ImageFileSummary {
    var text: String {
        "file       \(name)\nformat     \(image) image, \(width)×\(height)\n"
            + "A folder of images is data for 'run', 'quantize' and 'calibrate': --data FOLDER\n"
    }
}

extension RangeFileSummary {
    var text: String {
        let methods = Dictionary(grouping: rows, by: \.method).map { (name: $0, count: $1.count) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        return "file       \(name)\nformat     table of ranges\n"
            + "ranges     \(rows.count): \(methods.map { "\($0.count) \($0.name)" }.commaSeparated)\n"
    }

    var table: String {
        var table = TextTable(header: ["value", "min", "max", "method"], words: [0, 3])
        for row in rows { table.add([row.name, Wording.number(row.minimum), Wording.number(row.maximum), row.method]) }
        return table.text
    }
}
