import ArgumentParser
import TensorCore

/// Where a model goes.
struct ModelOutputOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .customLong("out")],
        help: ArgumentHelp("Where the model goes: x.onnx, or x for x-symbol.json and x-0000.params.", valueName: "out"),
        completion: .file())
    var path: String

    var isONNX: Bool { path.hasSuffix(".onnx") }

    func validate() throws {
        if path.isEmpty || path.hasSuffix("/") || [".", ".."].contains(path.fileName) {
            throw ValidationError("The model needs a name: -o x.onnx, or -o x for a checkpoint, not '\(path)'.")
        }
        if path.fileExtension == "params" {
            throw ValidationError("'\(path)' is a file of parameters: give x for x-symbol.json and x-0000.params.")
        }
    }
}
