import Requant
import TensorCore
import Testing

struct RangeTableTests {
    @Test func aNameThatStandsTwiceIsAnError() {
        let text = "# ranges\ndata -1 2 naive\nconv 0 4 naive\n\ndata -3 1 naive\n"
        #expect {
            try RangeTable(parsing: text, path: "t")
        } throws: { "\($0)".hasPrefix("t, line 5: 'data' has a range in line 2 already;") }
    }
}
