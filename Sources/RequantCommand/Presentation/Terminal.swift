import ArgumentParser
import Foundation
import TensorCore

/// Results go to standard output, everything else to standard error.
enum Terminal {
    /// Whether somebody watches what goes to standard error.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    static func printError(_ text: String, terminator: String = "\n") {
        FileHandle.standardError.write(Data((text + terminator).utf8))
    }

    static func warn(_ text: String) { printError("warning: \(text)") }
    static func note(_ text: String) { printError("note: \(text)") }

    /// Ends the process: usage errors and help as the argument parser has them, everything else in one line.
    static func exit(with error: any Error) -> Never {
        if !(error is ExitCode), RequantCommand.exitCode(for: error) == .failure {
            printError("error: \(line(for: error))")
            RequantCommand.exit(withError: ExitCode.failure)
        }
        RequantCommand.exit(withError: error)
    }

    /// Writes out what was printed.
    /// - Throws: `ModelError` if standard output takes no more, such as on a full disk.
    static func flush() throws {
        guard fflush(nil) == 0 else {
            throw ModelError("cannot be written: \(String(cString: strerror(errno)))", at: "standard output")
        }
    }

    private static func line(for error: any Error) -> String {
        let text = error is ModelError ? "\(error)" : error.localizedDescription
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
