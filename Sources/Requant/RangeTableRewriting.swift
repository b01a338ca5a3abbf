import Foundation
import TensorCore

/// What people wrote into a table stays when the table is made anew.
extension RangeTable {
    /// The table with the comments of an earlier one: of each value those above its line and behind it, and those at the
    /// end. Comments of values that are no longer there go to the end, too.
    public func keepingComments(of earlier: RangeTable) -> RangeTable {
        var table = self
        let places = Dictionary(entries.indices.map { (entries[$0].name, $0) }) { first, _ in first }
        for entry in earlier.entries {
            if let place = places[entry.name] {
                table.entries[place].linesAbove = entry.linesAbove + table.entries[place].linesAbove
                table.entries[place].comment = table.entries[place].comment ?? entry.comment
            } else {
                table.linesBelow += entry.linesAbove + (entry.comment.map { ["\($0) (\(entry.name))"] } ?? [])
            }
        }
        table.linesBelow += earlier.linesBelow
        return table
    }

    /// Writes the table; where one is already, its comments stay.
    public func rewrite(_ path: String) throws {
        // What is no table has no comments that could be told from the rest.
        let earlier = FileManager.default.fileExists(atPath: path) ? try? RangeTable(reading: path) : nil
        try (earlier.map(keepingComments) ?? self).write(to: path)
    }
}
