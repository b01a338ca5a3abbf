import Foundation
import TensorCore
import TestSupport
import Testing

/// Whatever a file holds, its reader gives a model or a `ModelError`, and soon. `Tests/fuzz` searches for
/// counterexamples for as long as one likes, and limits the memory, too; here are some thousands of fixed candidates,
/// and the counterexamples found so far.
@Suite struct HardnessTests {
    @Test(arguments: FuzzedReader.allCases)
    func mutatedFilesAreReadOrRefused(_ reader: FuzzedReader) throws {
        let files = try Self.files(in: reader.seeds.folder, endingIn: reader.seeds.suffixes)
        #expect(!files.isEmpty)
        let seeds = try files.map { try Self.bytes($0) }.filter { $0.count <= Mutator.sizeLimit }
        var mutator = Mutator(seed: 20_260_101)
        try Fixtures.withTemporaryFolder { folder in
            for round in 0..<2000 {
                let bytes = mutator.mutant(of: seeds)
                try Self.expectModelOrError(reader, bytes, "mutant \(round)", scratch: folder + "/mutant")
            }
        }
    }

    /// `Tests/Fixtures/crashers/READER-WHAT`: inputs that crashed a reader, kept it busy or filled the memory.
    @Test func whatOnceCrashedIsReadOrRefused() throws {
        try Fixtures.withTemporaryFolder { folder in
            for path in try Self.files(in: "crashers", endingIn: [".bin"]) {
                let name = URL(fileURLWithPath: path).lastPathComponent
                let reader = try #require(FuzzedReader(rawValue: String(name.prefix { $0 != "-" })))
                try Self.expectModelOrError(reader, Self.bytes(path), "\(name)", scratch: folder + "/crasher")
            }
        }
    }

    private static func expectModelOrError(
        _ reader: FuzzedReader, _ bytes: [UInt8], _ what: String, scratch: String
    ) throws {
        let start = processorTime()
        do {
            try bytes.withUnsafeBytes { try reader.read($0, scratch: scratch) }
        } catch is ModelError {
        } catch { Issue.record("\(reader), \(what): \(error) is no ModelError") }
        let seconds = processorTime() - start
        #expect(seconds < 1, "\(reader), \(what), \(bytes.count) bytes: \(seconds) s")
    }

    /// Seconds that this thread has computed for: other tests run beside it.
    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func files(in folder: String, endingIn suffixes: [String]) throws -> [String] {
        let folder = Fixtures.path(folder)
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .filter { name in suffixes.contains { name.hasSuffix($0) } }.map { folder + "/" + $0 }
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
