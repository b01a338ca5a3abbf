import Foundation
import OneDNNBackend
import TestSupport
import Testing

/// What `Docs` says that the command prints, it prints.
///
/// `RECORD=1 swift test --filter TranscriptTests` writes what differs into the documents.
@Suite(.enabled(if: InstructionSet.current.hasVNNI, "int8 sums of this machine saturate"))
struct TranscriptTests {
    static let records = ProcessInfo.processInfo.environment["RECORD"] != nil

    static let documents = ["CommandLine.md", "Migration.md", "Troubleshooting.md", "Tutorial.md"]

    /// All commands of a document, one after the other, in a folder beside which `Samples` and `Tests` lie as they do
    /// in the repository. The page of all verbs finds a copy of `Samples/mnist` there already.
    @Test(arguments: documents) func printsWhatTheDocumentShows(_ document: String) throws {
        let path = Fixtures.document(document)
        var transcripts = Transcripts(try String(contentsOfFile: path, encoding: .utf8))
        try Fixtures.withTemporaryFolder { repository in
            let files = FileManager.default
            for name in ["Samples", "Tests"] {
                try files.createSymbolicLink(
                    atPath: "\(repository)/\(name)", withDestinationPath: Fixtures.document("../" + name))
            }
            let folder = repository + "/try"
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            if document == "CommandLine.md" {
                try files.copyItem(atPath: Fixtures.sample("mnist"), toPath: folder + "/mnist")
            }
            // `$0` is the command that was built (see RequantProcess), `$?` the exit code of the command before.
            var status: Int32 = 0
            for index in transcripts.commands.indices {
                let command = transcripts.commands[index]
                let preparation = "requant() { \"$0\" \"$@\"; }; (exit \(status)); "
                let result = try RequantProcess(shell: preparation + command.text, in: folder)
                status = result.status
                let output = result.output + result.errors
                let difference = Transcripts.firstDifference(command.output, output)
                if Self.records && difference != nil {
                    transcripts.setOutput(output, of: index)
                } else {
                    #expect(difference == nil, "\(command.text)")
                }
            }
        }
        if Self.records { try transcripts.text.write(toFile: path, atomically: true, encoding: .utf8) }
    }

    /// No verb is left out.
    @Test func everyVerbHasATranscript() throws {
        let transcripts = Transcripts(try String(contentsOfFile: Fixtures.document("CommandLine.md"), encoding: .utf8))
        for verb in HelpTests.verbs {
            #expect(transcripts.commands.contains { $0.text.hasPrefix("requant \(verb)") }, "\(verb)")
        }
    }

    /// `Docs/Operators.md` is what `requant operators --markdown` prints.
    @Test func operators() throws {
        let path = Fixtures.document("Operators.md")
        let printed = try RequantProcess("operators", "--markdown").output
        if Self.records { try printed.write(toFile: path, atomically: true, encoding: .utf8) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == printed)
    }
}

/// The blocks ```console of a document. A line that begins with `$ ` is a command, which goes on behind a backslash; the
/// lines up to the next command are its standard output, and then its standard error.
struct Transcripts {
    struct Command {
        var text: String
        var output: String
        /// The lines of the output in the document.
        var lines: Range<Int>
    }

    private var lines: [String]
    private(set) var commands: [Command] = []
    private var recorded: [Int: String] = [:]

    init(_ text: String) {
        lines = text.components(separatedBy: "\n")
        var index = 0
        var isInside = false
        while index < lines.count {
            defer { index += 1 }
            if lines[index].hasPrefix("```") { isInside = lines[index] == "```console" }
            guard isInside, lines[index].hasPrefix("$ ") else { continue }
            var command = String(lines[index].dropFirst(2))
            while command.hasSuffix("\\"), index + 1 < lines.count {
                index += 1
                command = String(command.dropLast() + lines[index].drop { $0 == " " })
            }
            let start = index + 1
            let end = lines[start...].firstIndex { $0.hasPrefix("$ ") || $0.hasPrefix("```") } ?? lines.count
            commands.append(
                Command(text: command, output: lines[start..<end].joined(separator: "\n"), lines: start..<end))
        }
    }

    mutating func setOutput(_ output: String, of command: Int) { recorded[command] = output }

    /// The document with the outputs that were set.
    var text: String {
        var lines = lines
        for (index, output) in recorded.sorted(by: { $0.key > $1.key }) {
            let printed = output.hasSuffix("\n") ? String(output.dropLast()) : output
            lines.replaceSubrange(
                commands[index].lines, with: printed.isEmpty ? [] : printed.components(separatedBy: "\n"))
        }
        return lines.joined(separator: "\n")
    }

    /// The first line in which two outputs differ, nil if none does. Machines are forgiven: the lengths of spaces and
    /// dashes, times (`0.06 s`), and 5 % of numbers with a point.
    static func firstDifference(_ expected: String, _ printed: String) -> String? {
        func lines(_ text: String) -> [[Substring]] {
            text.split(separator: "\n").map { $0.split(separator: " ").filter { !$0.allSatisfy { $0 == "-" } } }
        }
        let (a, b) = (lines(expected), lines(printed))
        for index in 0..<max(a.count, b.count) {
            let (x, y) = (index < a.count ? a[index] : [], index < b.count ? b[index] : [])
            let isEqual =
                x.count == y.count
                && x.indices.allSatisfy { word in
                    let isTime = word + 1 < x.count && x[word + 1] == "s"
                    return x[word] == y[word] || areClose(x[word], y[word], within: isTime ? .infinity : 0.05)
                }
            if !isEqual { return "expected '\(x.joined(separator: " "))', printed '\(y.joined(separator: " "))'" }
        }
        return nil
    }

    /// Whether both words are numbers with a point, in the same punctuation, that are close.
    private static func areClose(_ a: Substring, _ b: Substring, within share: Double) -> Bool {
        func split(_ word: Substring) -> (before: Substring, number: Double, after: Substring)? {
            guard let match = word.firstMatch(of: /-?[0-9]+\.[0-9]+(e[-+]?[0-9]+)?/),
                let number = Double(match.output.0)
            else { return nil }
            return (word[..<match.range.lowerBound], number, word[match.range.upperBound...])
        }
        guard let a = split(a), let b = split(b), a.before == b.before, a.after == b.after else { return false }
        return abs(a.number - b.number) <= share * max(abs(a.number), abs(b.number))
    }
}
