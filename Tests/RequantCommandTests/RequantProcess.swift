import Foundation
import TestSupport

/// The built command, run as a process of its own.
struct RequantProcess {
    let status: Int32
    let output: String
    let errors: String

    /// Runs `requant ARGUMENTS` in `folder`.
    init(_ arguments: String..., in folder: String? = nil) throws { try self.init(arguments, in: folder) }

    init(_ arguments: [String], in folder: String? = nil) throws {
        try self.init(executable: Self.executable, arguments, in: folder)
    }

    /// Runs a line of the shell in which `$0` is the command.
    init(shell line: String, in folder: String? = nil) throws {
        let shell = URL(fileURLWithPath: "/bin/sh")
        try self.init(executable: shell, ["-c", line, Self.executable.path], in: folder)
    }

    private init(executable: URL, _ arguments: [String], in folder: String?) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let results = try Fixtures.withTemporaryFolder { temporary in
            // Files, since a pipe that nobody reads fills up.
            let streams = try ["output", "errors"].map { name in
                try Data().write(to: URL(fileURLWithPath: temporary + "/" + name))
                return try FileHandle(forWritingTo: URL(fileURLWithPath: temporary + "/" + name))
            }
            (process.standardOutput, process.standardError) = (streams[0], streams[1])
            process.standardInput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return try ["output", "errors"].map { try String(contentsOfFile: temporary + "/" + $0, encoding: .utf8) }
        }
        (output, errors) = (results[0], results[1])
        status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// What the process wrote as JSON.
    func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(output.utf8))
    }

    /// Lies beside the bundle of the tests.
    private static let executable: URL = {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("requant")
    }()
}

/// The sample that most tests run.
enum Sample {
    static let model = Fixtures.sample("mnist/resnet18-mnist")
    static let testData = ["--data", Fixtures.sample("mnist/test.rec")] + preprocessing
    static let calibrationData = ["--data", Fixtures.sample("mnist/calib.rec")] + preprocessing
    static let preprocessing = ["--gray", "--mean", "33.3285", "--std", "78.5655"]
    /// Enough to see that it works.
    static let few = ["--batches", "1", "--batch-size", "8"]
}
