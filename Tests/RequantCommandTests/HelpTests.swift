import Testing

struct HelpTests {
    static let verbs = [
        "inspect", "fuse", "quantize", "calibrate", "convert", "run", "diff", "render", "profile", "bench", "tune", "operators", "pipelines",
    ]

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
        #expect(result.output.contains("Example: requant \(verb)"))
    }

    @Test func theHelpOfOneVerb() throws {
        #expect(
            try RequantProcess("help", "pipelines").output == """
                OVERVIEW: Lists the pipelines and their passes, in the order in which they run.

                Example: requant pipelines

                USAGE: requant pipelines [--json] [--quiet]

                OPTIONS:
                  --json                  Prints JSON; Schemas/ describes it.
                  --quiet                 Shows no progress.
                  -h, --help              Show help information.


                """)
    }
}
