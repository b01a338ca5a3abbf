import Foundation
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// Tables that people edit: what they wrote stays, and what they wrote wrong is told by its line.
struct RangeTableTests {
    @Test func aNameThatStandsTwiceIsAnError() {
        let text = "# ranges\ndata -1 2 naive\nconv 0 4 naive\n\ndata -3 1 naive\n"
        #expect {
            try RangeTable(parsing: text, path: "t")
        } throws: { "\($0)".hasPrefix("t, line 5: 'data' has a range in line 2 already;") }
    }

    static let mistakes = [
        ("data -1", "has 2 words"), ("data -1 2 naive 3", "has 5 words"),
        ("data -1 x", "'-1' or 'x' is not a finite number"),
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

    /// data and conv keep what stands above and behind them; what was said of fc goes to the end.
    @Test func commentsStayWhenATableIsMadeAnew() throws {
        let edited = """
            # value minimum maximum
            # The camera was changed.
            data -1 2 by-hand  # was 3
            # The last layer.
            fc 0 1 naive  # clipped
            # End.
            """
        let new = try RangeTable(parsing: "conv 0 5 naive\ndata -2 3 naive\n", path: "u")
        let kept = new.keepingComments(of: try RangeTable(parsing: edited, path: "t"))
        #expect(kept.ranges == new.ranges)
        #expect(kept.entries[1].linesAbove == ["# The camera was changed."] && kept.entries[1].comment == "# was 3")
        #expect(kept.linesBelow == ["# The last layer.", "# clipped (fc)", "# End."])
        // Once more changes nothing.
        #expect(try RangeTable(parsing: new.keepingComments(of: kept).text, path: "t").text == kept.text)
    }

    @Test func writingOverATableKeepsItsComments() throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/ranges.txt"
            try Self.edited.write(toFile: path, atomically: true, encoding: .utf8)
            try RangeTable(parsing: "data -2 3 naive\nconv 0 5 naive\n", path: "u").rewrite(path)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("# Measured in March") && text.contains("3.0  naive  # was 2.8"))
            #expect(text.hasSuffix("# End.\n"))
            #expect(try RangeTable(reading: path).ranges["conv"] == ValueRange(0, 5))
        }
    }

    @Test func listsOfExclusionsHaveComments() throws {
        #expect(
            try ExclusionList.parse("# two layers\r\nconv0  # the first\r\n\r\nfc1\r\n", path: "t") == ["conv0", "fc1"])
        #expect { try ExclusionList.parse("conv0\nconv1 conv2\n", path: "t") } throws: {
            "\($0)" == "t, line 2: has 2 words; a line is the name of a layer."
        }
    }
}
