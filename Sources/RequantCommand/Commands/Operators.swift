import ArgumentParser
import Comparison
import Operators

struct Operators: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the operators, and what can be done with each.",
        discussion: "Example: requant operators --json")

    @OptionGroup var output: OutputOptions

    func run() throws {
        let rows = OperatorTable.standard.definitions.map(OperatorRow.init)
        if output.json { try JSONOutput.print(rows) } else { print(OperatorRow.table(of: rows), terminator: "") }
    }
}
