import Foundation
import TensorCore
import TestSupport
import Testing

import MXNetFormat

@Suite struct CheckpointTests {
    /// A folder with a symbol and parameters of three epochs.
    private func withCheckpoints(_ body: (String) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            let copies = ["net-symbol.json": "module-ckpt-symbol.json"].merging(
                ["net-0000.params", "net-0007.params", "net-10000.params", "other-0001.params"].map {
                    ($0, "module-ckpt-0007.params")
                }, uniquingKeysWith: { $1 })
            for (copy, original) in copies {
                try FileManager.default.copyItem(
                    atPath: Fixtures.path("mxnet/\(original)"), toPath: "\(folder)/\(copy)")
            }
            try body(folder)
        }
    }

    @Test func theNewestEpochIsTaken() throws {
        try withCheckpoints { folder in
            for model in ["net", "net-symbol.json"] {
                let paths = try CheckpointPaths(reading: "\(folder)/\(model)")
                #expect(paths.symbol == "\(folder)/net-symbol.json")
                #expect(paths.parameters == "\(folder)/net-10000.params")
            }
        }
    }

    @Test func filesThatAreNoModels() throws {
        try withCheckpoints { folder in
            // What Module.save_checkpoint(save_optimizer_states=True) leaves of an optimizer without a state.
            let states = "\(folder)/net-0007.states", page = "\(folder)/page.html"
            try Data([0x80, 0x03, 0x7D, 0x71, 0x00]).write(to: URL(fileURLWithPath: states))
            try Data("<html>".utf8).write(to: URL(fileURLWithPath: page))
            #expect(throws: ModelError(
                "this is the state of an optimizer, which only training needs", at: states,
                advice: "name the model that lies beside it: PREFIX-symbol.json or PREFIX")
            ) { try CheckpointPaths(reading: states) }
            #expect(throws: ModelError(
                "this is no model", at: page,
                advice: "a model is PREFIX-symbol.json, PREFIX, or a file that ends in .onnx")
            ) { try CheckpointPaths(reading: page) }
        }
    }

    @Test func otherEpochsAndFiles() throws {
        try withCheckpoints { folder in
            #expect(try CheckpointPaths(reading: "\(folder)/net", epoch: 7).parameters == "\(folder)/net-0007.params")
            let explicit = try CheckpointPaths(reading: "\(folder)/net", parameters: "\(folder)/other-0001.params")
            #expect(explicit.parameters == "\(folder)/other-0001.params")
            #expect(throws: ModelError(
                "there is no epoch 3", at: "\(folder)/net", advice: "there are 0, 7, 10000")
            ) { try CheckpointPaths(reading: "\(folder)/net", epoch: 3) }
            #expect(throws: ModelError(
                "there is no such file", at: "\(folder)/nett-symbol.json",
                advice: "did you mean \(folder)/net-symbol.json?")
            ) { try CheckpointPaths(reading: "\(folder)/nett") }
        }
    }

    @Test func aSymbolAlone() throws {
        let paths = try CheckpointPaths(reading: Fixtures.path("mxnet/np-symbol.json"))
        #expect(paths.parameters == nil)
        #expect(try MXNetCheckpoint(paths).parameters == nil)
    }

    @Test func readAndWrite() throws {
        let checkpoint = try MXNetCheckpoint(CheckpointPaths(reading: Fixtures.path("mxnet/module-ckpt")))
        #expect(checkpoint.parameters?.argument("fc_weight")?.tensor?.shape == [2, 3])
        try Fixtures.withTemporaryFolder { folder in
            for output in ["copy", "copy-symbol.json"] {
                let paths = CheckpointPaths(writing: "\(folder)/\(output)", epoch: 12)
                #expect(paths.parameters == "\(folder)/copy-0012.params")
                try checkpoint.write(to: paths)
                #expect(try MXNetCheckpoint(CheckpointPaths(reading: "\(folder)/copy")) == checkpoint)
            }
        }
    }
}
