import Foundation

/// The manual page `requant.1`, from the very definitions that the help comes from:
///
///     .SS requant fuse \fIMODEL\fR \fB--out\fR \fIout\fR …
///     .TP
///     \fB-o\fR, \fB--out\fR \fIout\fR
///     Where the model goes …
///
/// ArgumentParser hands its definitions over as JSON (`--experimental-dump-help`); its own plugin for manual pages makes a
/// page for each verb and needs the package's source.
struct ManualPage {
    private let command: Command

    /// - Parameter dump: what `RequantCommand._dumpHelp()` gives.
    init(dump: String) throws {
        struct Dump: Decodable { var command: Command }
        command = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command
    }

    var text: String {
        var lines = [
            ".TH REQUANT 1 \"\" \"Requant\" \"User Commands\"", ".SH NAME",
            "requant \\- " + escaped(command.abstract ?? ""), ".SH SYNOPSIS",
            ".B requant\n\\fIVERB\\fR [\\fIoptions\\fR]", ".SH DESCRIPTION",
        ]
        lines += paragraphs(command.discussion ?? "")
        lines.append(".SH VERBS")
        for verb in command.subcommands ?? [] where verb.shouldDisplay ?? true && verb.commandName != "help" {
            lines += section(verb)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func section(_ verb: Command) -> [String] {
        let arguments = (verb.arguments ?? []).filter { $0.shouldDisplay ?? true }
        let required = arguments.filter { $0.kind == "positional" || !$0.isOptional && $0.kind == "option" }
        let usage = ["\\fBrequant \(verb.commandName)\\fR"] + required.map(\.usage) + ["[\\fIoptions\\fR]"]
        var lines = [".SS " + usage.joined(separator: " "), escaped(verb.abstract ?? "")]
        for argument in arguments { lines += [".TP", argument.heading] + [escaped(argument.explanation)] }
        return lines + [".PP"] + paragraphs(verb.discussion ?? "")
    }

    /// Empty lines part paragraphs; what is indented is shown as it is.
    private func paragraphs(_ text: String) -> [String] {
        var lines: [String] = [], isVerbatim = false
        for line in text.components(separatedBy: "\n") {
            let isIndented = line.hasPrefix("  ")
            if isIndented != isVerbatim && !line.isEmpty {
                lines.append(isIndented ? ".nf" : ".fi")
                isVerbatim = isIndented
            }
            lines.append(line.isEmpty ? ".PP" : escaped(line))
        }
        return lines + (isVerbatim ? [".fi"] : [])
    }
}

extension ManualPage {
    fileprivate struct Command: Decodable {
        var commandName: String
        var abstract: String?
        var discussion: String?
        var shouldDisplay: Bool?
        var arguments: [Argument]?
        var subcommands: [Command]?
    }

    fileprivate struct Argument: Decodable {
        struct Name: Decodable { var kind: String, name: String }

        /// `positional`, `option` or `flag`.
        var kind: String
        var names: [Name]?
        var valueName: String?
        var abstract: String?
        var defaultValue: String?
        var allValues: [String]?
        var isOptional: Bool
        var shouldDisplay: Bool?

        private var value: String { "\\fI\(escaped(valueName ?? "value"))\\fR" }
        private func spelling(_ name: Name) -> String {
            "\\fB" + escaped((name.kind == "short" ? "-" : "--") + name.name) + "\\fR"
        }

        var usage: String {
            let name = (names ?? []).first { $0.kind == "long" }.map(spelling)
            return ([name].compactMap { $0 } + [value]).joined(separator: " ")
        }

        var heading: String {
            let spellings = (names ?? []).map(spelling).joined(separator: ", ")
            return [spellings, kind == "flag" ? "" : value].filter { !$0.isEmpty }.joined(separator: " ")
        }

        var explanation: String {
            var text = abstract ?? ""
            if let allValues, !allValues.isEmpty { text += " Values: \(allValues.joined(separator: ", "))." }
            if let defaultValue { text += " Default: \(defaultValue)." }
            return text
        }
    }
}

/// As troff has to see it: backslashes and dashes mean themselves, no line begins with a request, and all is ASCII.
private func escaped(_ text: String) -> String {
    let line = text.unicodeScalars.map { scalar in
        switch scalar {
        case "\\": "\\e"
        case "-": "\\-"
        default: scalar.isASCII ? String(scalar) : String(format: "\\[u%04X]", scalar.value)
        }
    }.joined()
    return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
}
