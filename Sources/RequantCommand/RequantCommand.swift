import ArgumentParser
import TensorCore

@main
struct RequantCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requant",
        abstract: "Moves quantized neural networks between Apache MXNet and ONNX.",
        discussion: """
            MODEL is PREFIX-symbol.json, PREFIX (with the newest PREFIX-NNNN.params), or FILE.onnx. DATA is .npy, .npz, \
            .rec, or a folder of images.

            Exit codes: 0 done, 1 the input or the result is not right, 3 a comparison exceeded its limit, 64 wrong usage.
            """,
        subcommands: [
            Inspect.self, Fuse.self, Quantize.self, Calibrate.self, Convert.self, Run.self, Diff.self, Render.self, Profile.self,
            Bench.self, Tune.self, Report.self,
            Operators.self, Pipelines.self, Manual.self,
        ])

    static func main() {
        do {
            let words = CommandLine.arguments.dropFirst()
            try checkVerb(words.first == "help" ? words.dropFirst().first : words.first)
            var command = try parseAsRoot()
            try command.run()
        } catch { Terminal.exit(with: error) }
    }

    /// Says what a misspelt verb may have meant.
    private static func checkVerb(_ verb: String?) throws {
        let verbs = configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0.configuration.commandName ?? "\($0)".lowercased() } + ["help"]
        guard let verb, !verb.hasPrefix("-"), !verbs.contains(verb), verb != "manual" else { return }
        let nearest = nearestNames(to: verb, among: verbs)
        throw ValidationError(
            "There is no verb '\(verb)'; "
                + (nearest.isEmpty ? "the verbs are \(verbs.commaSeparated)." : "did you mean \(nearest.commaSeparated)?"))
    }
}

/// What `diff` exits with when a limit is exceeded.
extension ExitCode {
    static let limitExceeded = ExitCode(3)
}
