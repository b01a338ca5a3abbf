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

    static func warn(_ text: String) { printError("\(Paint.yellow("warning:", on: STDERR_FILENO)) \(text)") }
    static func note(_ text: String) { printError("\(Paint.cyan("note:", on: STDERR_FILENO)) \(text)") }

    /// Ends the process: usage errors and help as the argument parser has them, everything else in one line.
    static func exit(with error: any Error) -> Never {
        if error is ExitCode { RequantCommand.exit(withError: error) }
        switch RequantCommand.exitCode(for: error) {
        case .success:
            do { try print(RequantCommand.fullMessage(for: error)) } catch { exit(with: error) }
            RequantCommand.exit(withError: ExitCode.success)
        case .failure:
            printError("\(Paint.red("error:", on: STDERR_FILENO)) \(line(for: error))")
            RequantCommand.exit(withError: ExitCode.failure)
        default: RequantCommand.exit(withError: error)
        }
    }

    /// Prints a result. Swift's own `print` does not say whether the text arrived.
    /// - Throws: `ModelError` if standard output takes no more, such as on a full disk.
    static func print(_ text: String, terminator: String = "\n") throws {
        var rest = Array((text + terminator).utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw ModelError("cannot be written: \(String(cString: strerror(errno)))", at: "standard output")
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func line(for error: any Error) -> String {
        let text = error is ModelError ? "\(error)" : error.localizedDescription
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
