import Testing

@testable import RequantCommand

struct HelpTests {
    static let verbs = RequantCommand.configuration.subcommands.filter { $0.configuration.shouldDisplay }
        .map { $0._commandName }

    @Test func theListOfVerbs() throws {
        let result = try RequantProcess("--help")
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }
        let listed = lines.dropFirst().filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.contains("See '") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(listed == Self.verbs)
    }

    @Test(arguments: verbs) func everyVerbShowsAnExample(_ verb: String) throws {
        let result = try RequantProcess("help", verb)
        #expect(result.status == 0)
        let examples = Self.examples(in: result.output)
        #expect(!examples.isEmpty)
        for example in examples {
            #expect(example.starts(with: ["requant", verb]))
            #expect(throws: Never.self, "\(example)") {
                _ = try RequantCommand.parseAsRoot(Array(example.dropFirst()))
            }
        }
    }

    /// The words of each command between `Examples:` and the usage.
    private static func examples(in help: String) -> [[String]] {
        let lines = help.components(separatedBy: "\n").drop { $0 != "Examples:" }.prefix { !$0.hasPrefix("USAGE:") }
        let text = lines.filter { !$0.hasPrefix("  #") }.joined(separator: "\n").replacingOccurrences(of: "\\\n", with: " ")
        return text.split(separator: "\n").filter { $0.hasPrefix("  requant") }
            .map { $0.split(separator: " ").map(String.init) }
    }

    @Test func theHelpOfOneVerb() throws {
        #expect(
            try RequantProcess("help", "pipelines").output == """
                OVERVIEW: Lists the pipelines and their passes, in the order in which they run.

                Examples:

                  # What runs in which order
                  requant pipelines

                USAGE: requant pipelines [--json] [--quiet]

                OPTIONS:
                  --json                  Prints JSON; Schemas/ describes it.
                  --quiet                 Shows no progress.
                  -h, --help              Show help information.


                """)
    }
}
