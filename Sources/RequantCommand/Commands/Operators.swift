import ArgumentParser
import Comparison
import Operators

struct Operators: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the operators, and what can be done with each.",
        examples: [
            Example(
                "The table as JSON",
                "requant operators --json")
        ])

    @Flag(help: "Prints the page Docs/Operators.md.")
    var markdown = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if markdown && output.json { throw ValidationError("Give --json or --markdown, not both.") }
    }

    func run() throws {
        let rows = OperatorTable.standard.definitions.map(OperatorRow.init)
        if output.json {
            try JSONOutput.print(rows)
        } else {
            try Terminal.print(markdown ? OperatorRow.page(of: rows) : OperatorRow.table(of: rows), terminator: "")
        }
    }
}
