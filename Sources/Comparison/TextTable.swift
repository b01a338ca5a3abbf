/// Columns of text that line up: words flush left, numbers flush right.
public struct TextTable: Sendable {
    private var rows: [[String]]
    private let words: Set<Int>

    /// - Parameters:
    ///   - header: the titles of the columns.
    ///   - words: the columns that hold words; all others hold numbers.
    public init(header: [String], words: Set<Int> = [0]) {
        rows = [header]
        self.words = words
    }

    /// Missing cells at the end are empty.
    public mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The lines, with two blanks between columns and a rule under the header.
    public var text: String {
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        var lines = rows.map { row in
            let cells = widths.enumerated().map { column, width in
                let cell = column < row.count ? row[column] : ""
                let blanks = String(repeating: " ", count: width - cell.count)
                return words.contains(column) ? cell + blanks : blanks + cell
            }
            let line = cells.joined(separator: "  ")
            return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
        }
        lines.insert(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "), at: 1)
        return lines.joined(separator: "\n") + "\n"
    }
}
