import Foundation
import TensorCore
import TestSupport
import Testing

struct FileOutputTests {
    private struct Failure: Error {}

    @Test func filesAppearTogether() throws {
        try Fixtures.withTemporaryFolder { folder in
            try FileOutput.write("old", to: folder + "/a")
            try FileOutput.together {
                try FileOutput.makeFolder(folder + "/x/y")
                try FileOutput.write("new", to: folder + "/a")
                try FileOutput.write("new", to: folder + "/x/y/b")
                #expect(try text(folder + "/a") == "old")
                #expect(!FileManager.default.fileExists(atPath: folder + "/x/y/b"))
            }
            #expect(try text(folder + "/a") == "new")
            #expect(try text(folder + "/x/y/b") == "new")
            #expect(try files(folder) == ["a", "x", "x/y", "x/y/b"])
        }
    }

    @Test func aFailureLeavesEverythingAsItWas() throws {
        try Fixtures.withTemporaryFolder { folder in
            try FileOutput.write("old", to: folder + "/a")
            #expect(throws: Failure.self) {
                try FileOutput.together {
                    try FileOutput.makeFolder(folder + "/x/y/")
                    try FileOutput.write("new", to: folder + "/a")
                    try FileOutput.write("new", to: folder + "/x/y/b")
                    throw Failure()
                }
            }
            #expect(try text(folder + "/a") == "old")
            #expect(try files(folder) == ["a"])
        }
    }

    /// A folder lies where the last file should go, which shows only when the others are in place.
    @Test func filesThatWereReplacedComeBack() throws {
        try Fixtures.withTemporaryFolder { folder in
            try FileOutput.write("old", to: folder + "/a")
            try FileOutput.makeFolder(folder + "/c/inside")
            #expect(throws: ModelError("cannot be replaced: Is a directory", at: folder + "/c")) {
                try FileOutput.together {
                    for name in ["a", "b", "c"] { try FileOutput.write("new", to: "\(folder)/\(name)") }
                }
            }
            #expect(try text(folder + "/a") == "old")
            #expect(try files(folder) == ["a", "c", "c/inside"])
        }
    }

    @Test func aPlaceIsNamedOnce() {
        let error = ModelError("is full", at: "f").inside("array 'a'").inside("f")
        #expect("\(error)" == "f, array 'a': is full.")
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
    }
}
