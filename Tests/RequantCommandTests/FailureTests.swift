import Foundation
import TestSupport
import Testing

/// What goes wrong is said in one line, and nothing half done is left behind.
struct FailureTests {
    // MARK: Usage

    @Test(arguments: [
        ["inspekt"], ["quantize", "m"], ["diff", "a", "--data", "x.npy"], ["render", "-o", "x.svg"],
        ["render", "m", "-o", "x.gif"], ["inspect", "m", "--shape", "data"], ["run", "m", "--data", "x", "--crop", "0"],
        ["quantize", "m", "-o", "o", "--calibrate", "naive"], ["quantize", "m", "-o", "o", "--dtype", "int4"],
        ["run", "m", "--data", "x", "-o", "o.png"], ["run", "m", "--data", "x", "--batch-size", "0"],
        ["quantize", "m", "-o", "o", "--data", "x", "--calibrate-layer", "("],
        ["quantize", "m", "-o", ""], ["fuse", "m", "-o", "dir/"], ["convert", "m", "-o", "y.params"],
        ["run", "m", "--data", "x", "--threads", "1025"], ["inspect", "m.onnx", "--epoch", "1"],
        ["diff", "m", "n.onnx", "--data", "x", "--params", "p"], ["render", "m", "n.onnx", "--epoch", "1", "-o", "x.svg"],
        ["calibrate", "m.onnx", "--params", "p", "--data", "x", "-o", "t"],
    ])
    func wrongUsageIs64(_ arguments: [String]) throws {
        let result = try RequantProcess(arguments)
        #expect(result.status == 64)
        #expect(result.output.isEmpty && result.errors.contains("Usage:"))
    }

    @Test func aMisspeltVerbIsCorrected() throws {
        #expect(try RequantProcess("quantise").errors.contains("did you mean quantize?"))
        #expect(try RequantProcess("help", "quantise").errors.contains("did you mean quantize?"))
    }

    // MARK: Damaged models

    /// Symbols that are none, with a word that the error has to have.
    static let symbols = [
        ("", "is empty"), ("garbage", "should be an object"), ("{\"nodes\": [", "end of the file"), ("{}", "nodes"),
        (
            // Two nodes that use each other.
            """
            {"nodes": [{"op": "relu", "name": "a", "inputs": [[1, 0, 0]]}, {"op": "relu", "name": "b",
            "inputs": [[0, 0, 0]]}], "arg_nodes": [], "heads": [[1, 0, 0]]}
            """, "'a'"
        ),
    ]

    @Test(arguments: symbols.indices) func aDamagedSymbol(_ index: Int) throws {
        let (text, word) = Self.symbols[index]
        try inFolder { folder in
            try text.write(toFile: folder + "/bad-symbol.json", atomically: true, encoding: .utf8)
            let result = try RequantProcess("convert", "bad", "-o", "out", in: folder)
            expectError(result, mentions: ["bad-symbol.json"])
            #expect(result.errors.contains(word), "\(result.errors)")
            #expect(try files(folder) == ["bad-symbol.json"])
        }
    }

    @Test(arguments: [0, 7, 100, 5000]) func truncatedParameters(_ length: Int) throws {
        try inFolder { folder in
            let whole = try Data(contentsOf: URL(fileURLWithPath: Sample.model + "-0000.params"))
            try whole.prefix(length).write(to: URL(fileURLWithPath: folder + "/short.params"))
            let result = try RequantProcess("convert", Sample.model, "--params", "short.params", "-o", "out", in: folder)
            expectError(result, mentions: ["short.params"])
            #expect(try files(folder) == ["short.params"])
        }
    }

    @Test(arguments: ["", "not a protobuf"]) func aDamagedONNXFile(_ text: String) throws {
        try inFolder { folder in
            try text.write(toFile: folder + "/bad.onnx", atomically: true, encoding: .utf8)
            expectError(try RequantProcess("inspect", "bad.onnx", in: folder), mentions: ["bad.onnx"])
        }
    }

    @Test func whatIsNotThere() throws {
        expectError(try RequantProcess("inspect", "/nowhere/m"), mentions: ["/nowhere/m-symbol.json"])
        expectError(try RequantProcess("inspect", "/nowhere/m.onnx"), mentions: ["/nowhere/m.onnx"])
        expectError(try RequantProcess("inspect", Sample.model, "--epoch", "7"), mentions: ["epoch 7"])
        expectError(try RequantProcess("inspect", Fixtures.folder), mentions: ["model is PREFIX"])
        expectError(try RequantProcess("run", Sample.model, "--data", "/nowhere/x.rec"), mentions: ["/nowhere/x.rec"])
    }

    /// The parameters of the quantized model lack the float weights of the last layer.
    @Test func parametersOfAnotherModel() throws {
        try inFolder { folder in
            let result = try RequantProcess(
                "quantize", Sample.model, "--params", ResidualNetwork.mnist.path("int8.params"), "-o", "out", in: folder)
            expectError(result, mentions: ["resnetv10_dense0_weight", "--params"])
            #expect(try files(folder).isEmpty)
        }
    }

    @Test func anUnknownOperatorIsInspectedAndNotRun() throws {
        try inFolder { folder in
            let symbol = try String(contentsOfFile: Sample.model + "-symbol.json", encoding: .utf8)
            try symbol.replacingOccurrences(of: "\"Pooling\"", with: "\"Mystery\"")
                .write(toFile: folder + "/m-symbol.json", atomically: true, encoding: .utf8)
            let parameters = ["--params", Sample.model + "-0000.params"]
            let summary = try RequantProcess(["inspect", "m"] + parameters, in: folder)
            #expect(summary.status == 0)
            #expect(summary.output.contains("cannot convert, quantize, run  Mystery: the operator is not known (resnetv10_pool0_fwd)"))
            expectError(
                try RequantProcess(["run", "m"] + parameters + Sample.testData + Sample.few, in: folder), mentions: ["Mystery"])
        }
    }

    // MARK: Data and outputs

    @Test func dataOfTheWrongShape() throws {
        try inFolder { folder in
            // Without --gray, images have three channels; the model wants one.
            let data = ["--data", Fixtures.sample("mnist/test.rec")]
            expectError(
                try RequantProcess(["run", Sample.model, "-o", "o.npz"] + data + Sample.few, in: folder),
                mentions: ["resnetv10_conv0_fwd", "8×3×28×28"])
            expectError(
                try RequantProcess("run", Sample.model, "--data", "dat=" + ResidualNetwork.mnist.path("input.npy")),
                mentions: ["did you mean data?"])
            #expect(try files(folder).isEmpty)
        }
    }

    @Test func misspeltNamesAreCorrected() throws {
        try inFolder { folder in
            expectError(
                try RequantProcess("inspect", Sample.model, "--shape", "dat=1,1,28,28"), mentions: ["did you mean data?"])
            let result = try RequantProcess(
                "quantize", Sample.model, "-o", "o", "--exclude", "resnetv10_conv0_fw", in: folder)
            expectError(result, mentions: ["did you mean resnetv10_conv0_fwd"])
            expectError(
                try RequantProcess("render", Sample.model, "--block", "resnetv10_stage1__plus", "-o", "x.svg", in: folder),
                mentions: ["resnetv10_stage1__plus0"])
            #expect(try files(folder).isEmpty)
        }
    }

    /// A folder lies where the symbol should go: the parameters, written first, go again.
    @Test func aCheckpointIsWrittenWholeOrNotAtAll() throws {
        try inFolder { folder in
            try FileManager.default.createDirectory(
                atPath: folder + "/out-symbol.json/x", withIntermediateDirectories: true)
            expectError(try RequantProcess("convert", Sample.model, "-o", "out", in: folder), mentions: ["out-symbol.json"])
            #expect(try files(folder) == ["out-symbol.json"])
        }
    }

    @Test func aFolderThatDoesNotExist() throws {
        expectError(
            try RequantProcess("convert", Sample.model, "-o", "/nowhere/out"),
            mentions: ["/nowhere/out", "cannot be written"])
    }

    /// A limit on the size of files stands for a full disk: writing fails half-way, and what was written goes again.
    @Test func aDiskThatRunsFull() throws {
        try inFolder { folder in
            let full = "trap '' XFSZ; ulimit -f 100; exec \"$0\" convert \(Sample.model) -o out"
            let result = try RequantProcess(shell: full, in: folder)
            expectError(result, mentions: ["out-0000.params", "cannot be written"])
            #expect(result.errors.components(separatedBy: "out-0000.params").count == 2)
            #expect(try files(folder).isEmpty)
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
    func standardOutputThatTakesNothing() throws {
        for arguments in ["operators", "inspect \(Sample.model) --layers --json", "help render", "--help"] {
            let result = try RequantProcess(shell: "exec \"$0\" \(arguments) > /dev/full")
            expectError(result, mentions: ["standard output"])
        }
    }

    /// The model is written last, and nothing stays if it or something else cannot be.
    @Test func quantizeWritesEverythingOrNothing() throws {
        try inFolder { folder in
            try "old".write(toFile: folder + "/out-0000.params", atomically: true, encoding: .utf8)
            func fails(_ options: [String], mentions words: [String]) throws {
                let quantize = ["quantize", Sample.model, "-o", "out", "--calibrate", "naive", "--quiet"]
                expectError(
                    try RequantProcess(quantize + Sample.calibrationData + Sample.few + options, in: folder),
                    mentions: words)
            }
            let extras = ["--stages", "new/stages", "--write-ranges", "ranges.txt"]
            try fails(["--stages", "new/stages", "--write-ranges", "/nowhere/r"], mentions: ["/nowhere/r"])
            try fails(["--stages", "out-0000.params/s", "--write-ranges", "r"], mentions: ["out-0000.params/s"])
            #expect(try files(folder) == ["out-0000.params"])
            try FileManager.default.createDirectory(atPath: folder + "/out-symbol.json", withIntermediateDirectories: true)
            try fails(extras, mentions: ["out-symbol.json"])
            #expect(try files(folder) == ["out-0000.params", "out-symbol.json"])
            #expect(try String(contentsOfFile: folder + "/out-0000.params", encoding: .utf8) == "old")
        }
    }

    // MARK: Helpers

    /// Status 1, one line on standard error, and nothing on standard output.
    private func expectError(
        _ result: RequantProcess, mentions words: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.status == 1, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.output.isEmpty, sourceLocation: sourceLocation)
        let errors = result.errors.split(separator: "\n").filter { !$0.hasPrefix("warning:") }
        #expect(errors.count == 1 && errors[0].hasPrefix("error: "), sourceLocation: sourceLocation)
        for word in words { #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation) }
    }

    private func inFolder(_ body: (String) throws -> Void) throws { try Fixtures.withTemporaryFolder(body) }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
}
