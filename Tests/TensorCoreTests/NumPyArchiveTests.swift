import Foundation
import TensorCore
import TestSupport
import Testing

@Suite("NumPy archives")
struct NumPyArchiveTests {
    private let cube = Tensor((0..<24).map(Int32.init), shape: [2, 3, 4])

    @Test("archives that NumPy wrote", arguments: ["stored", "deflated"])
    func reading(name: String) throws {
        let archive = try NumPyArchive(Fixtures.path("numpy/\(name).npz"))
        #expect(archive.names == ["data", "label", "scale.0", "fortran"])
        #expect(try archive.tensor(named: "data") == cube)
        #expect(try archive.tensor(named: "fortran") == cube)
        #expect(try archive.tensor(named: "label") == Tensor([3, 1] as [Int32]))
        #expect(try archive.tensor(named: "scale.0") == Tensor(scalar: Float(0.5)))
        expectError(containing: "has no array 'lable'; did you mean label?") { try archive.tensor(named: "lable") }
    }

    @Test("written and read again", arguments: [false, true])
    func writing(compressed: Bool) throws {
        let long = Tensor((0..<200_000).map { Float($0 % 77) }, shape: [1000, 200])
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/x.npz"
            let arrays = [("b", cube), ("a/é", long), ("empty", Tensor([] as [Float])), ("one", Tensor(scalar: true))]
            try NumPyArchive.write(arrays, to: path, compressed: compressed)
            let archive = try NumPyArchive(path)
            #expect(archive.names == arrays.map(\.0))
            for (name, tensor) in arrays { #expect(try archive.tensor(named: name) == tensor) }
            let isSmall = try bytes(path).count < 100_000
            #expect(isSmall == compressed)
        }
    }

    @Test("NumPy reads what is written", .enabled(if: hasNumPy), arguments: [false, true])
    func numPyReads(compressed: Bool) throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/x.npz"
            let half = Tensor(scalar: Float(0.5))
            try NumPyArchive.write([("data", cube), ("é", half)], to: path, compressed: compressed)
            #expect(try python("""
                import numpy, zipfile
                assert zipfile.ZipFile('\(path)').testzip() is None
                z = numpy.load('\(path)')
                assert z.files == ['data', 'é']
                assert (z['data'] == numpy.arange(24, dtype='i4').reshape(2, 3, 4)).all() and z['data'].dtype == 'i4'
                assert z['é'] == numpy.float32(.5) and z['é'].shape == ()
                """) == 0)
        }
    }

    @Test func writingTheSameNameTwice() throws {
        try Fixtures.withTemporaryFolder { folder in
            expectError(containing: "two arrays are named 'a'") {
                try NumPyArchive.write([("a", cube), ("a", cube)], to: folder + "/x.npz")
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.isEmpty)
        }
    }

    @Test("an archive cut anywhere is an error", arguments: ["stored", "deflated"])
    func truncation(name: String) throws {
        let whole = try bytes(Fixtures.path("numpy/\(name).npz"))
        for count in 0..<whole.count { #expect(throws: ModelError.self) { try readAll(whole.prefix(count)) } }
    }

    @Test("an archive with any byte changed is read or refused, never a crash", arguments: ["stored", "deflated"])
    func damage(name: String) throws {
        let whole = try bytes(Fixtures.path("numpy/\(name).npz"))
        for index in whole.indices {
            var damaged = whole
            damaged[index] ^= 0xFF
            do { try readAll(damaged[...]) } catch is ModelError {}
        }
    }

    @Test("sizes that lie", arguments: [
        (224 + 1, "but 225 are claimed"), (224 - 1, "unpacks to more than 223 bytes"),
        (0xFFFF_FFFE, "packed bytes are said to become 4294967294"),
    ])
    func bombs(size: UInt32, problem: String) throws {
        var archive = try bytes(Fixtures.path("numpy/deflated.npz"))
        let entry = try #require(firstCentralEntry(archive))
        withUnsafeBytes(of: size.littleEndian) { archive.replaceSubrange(entry + 24..<entry + 28, with: $0) }
        expectError(containing: problem) { try readAll(archive[...]) }
    }

    @Test func otherMethods() throws {
        var archive = try bytes(Fixtures.path("numpy/deflated.npz"))
        let entry = try #require(firstCentralEntry(archive))
        archive[entry + 10] = 12
        expectError(containing: "method 12") { try readAll(archive[...]) }
        archive[entry + 8] = 1
        expectError(containing: "encrypted") { try readAll(archive[...]) }
        expectError(containing: "is not a ZIP file") { try NumPyArchive(Fixtures.path("numpy/float32.npy")) }
    }

    private func firstCentralEntry(_ archive: [UInt8]) -> Int? {
        archive.indices.first { archive[$0...].starts(with: [0x50, 0x4B, 1, 2]) }
    }

    private func readAll(_ bytes: ArraySlice<UInt8>) throws {
        try Fixtures.withTemporaryFolder { folder in
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/x.npz"))
            let archive = try NumPyArchive(folder + "/x.npz")
            for name in archive.names { _ = try archive.tensor(named: name) }
        }
    }
}

private let hasNumPy = (try? python("import numpy")) == 0

/// The exit status of a Python program.
private func python(_ program: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
