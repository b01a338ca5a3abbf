import ArgumentParser
import Comparison
import Passes

struct Pipelines: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the pipelines and their passes, in the order in which they run.",
        examples: [
            Example(
                "What runs in which order",
                "requant pipelines")
        ])

    @OptionGroup var output: OutputOptions

    func run() throws {
        let rows = Passes.Pipelines.all.map(PipelineRow.init)
        if output.json {
            try JSONOutput.print(rows)
        } else {
            try Terminal.print(PipelineRow.table(of: rows), terminator: "")
        }
    }
}
