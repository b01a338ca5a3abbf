import Passes
import Requant
import TensorCore
import Testing

/// Tables that people edit: what they wrote stays, and what they wrote wrong is told by its line.
struct RangeTableTests {
    @Test func aNameThatStandsTwiceIsAnError() {
        let text = "# ranges\ndata -1 2 naive\nconv 0 4 naive\n\ndata -3 1 naive\n"
        #expect {
            try RangeTable(parsing: text, path: "t")
        } throws: { "\($0)".hasPrefix("t, line 5: 'data' has a range in line 2 already;") }
    }

    static let mistakes = [
        ("data -1", "has 2 words"), ("data -1 2 naive 3", "has 5 words"), ("data -1 x", "'-1' or 'x' is not a finite number"),
        ("data -1 inf", "not a finite number"), ("data 2 1", "the minimum 2.0 is above the maximum 1.0"),
    ]

    @Test(arguments: mistakes) func mistakesAreToldByTheirLine(_ line: String, _ problem: String) {
        #expect {
            try RangeTable(parsing: "# value minimum maximum\r\nconv 0 4\r\n\(line)\r\n", path: "t")
        } throws: { "\($0)".hasPrefix("t, line 3: ") && "\($0)".contains(problem) }
    }

    static let edited = """
        # value         minimum         maximum  method
        # Measured in March; the camera was changed since.

        data               -0.5             3.0  by-hand  # was 2.8
        conv                0.0             4.0  naive
        # End.

        """

    @Test func commentsStayWhereTheyAre() throws {
        let table = try RangeTable(parsing: Self.edited, path: "t")
        #expect(table.entries.map(\.line) == [4, 5] && table.path == "t")
        #expect(table.text == Self.edited)
        #expect(try RangeTable(parsing: table.text, path: "t") == table)
    }

    @Test func mergingKeepsComments() throws {
        let other = try RangeTable(parsing: "data -1 2 naive # night\nfc 0 1 naive\n", path: "u")
        let merged = RangeTable.merging([try RangeTable(parsing: Self.edited, path: "t"), other])
        #expect(merged.entries.map(\.name) == ["data", "conv", "fc"] && merged.ranges["data"] == ValueRange(-1, 3))
        #expect(merged.text.contains("# was 2.8 # night") && merged.text.contains("# Measured in March"))
        #expect(merged.text.hasSuffix("# End.\n"))
    }
}
