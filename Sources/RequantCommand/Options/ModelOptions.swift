import ArgumentParser
import Requant
import TensorCore

/// One model.
struct ModelOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("PREFIX-symbol.json, PREFIX, or FILE.onnx.", valueName: "model"), completion: .model)
    var path: String

    @OptionGroup var files: ModelFileOptions

    func validate() throws { try files.check(path) }

    func load() throws -> Model { try files.load(path) }
}

/// How the files of a model are found and completed.
struct ModelFileOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Takes PREFIX-NNNN.params of this epoch instead of the newest.", valueName: "n"))
    var epoch: Int?

    @Option(
        help: ArgumentHelp("Takes this file of parameters, .params or .npz.", valueName: "file"),
        completion: .parameters)
    var params: String?

    @OptionGroup var shapes: ShapeOptions

    func validate() throws {
        if epoch != nil && params != nil { throw ValidationError("Give --epoch or --params, not both.") }
    }

    /// Epochs and files of parameters are MXNet's.
    /// - Throws: `ValidationError` if one is given for a model that has its parameters in it.
    func check(_ paths: String...) throws { try check(paths) }

    func check(_ paths: [String]) throws {
        guard epoch != nil || params != nil, let path = paths.first(where: { $0.hasSuffix(".onnx") }) else { return }
        throw ValidationError(
            "--\(epoch == nil ? "params" : "epoch") is for checkpoints of MXNet; '\(path)' has its parameters in it.")
    }

    func load(_ path: String) throws -> Model {
        try Model.load(path, epoch: epoch, parameters: params, shapes: shapes.byName)
    }
}

/// Shapes of inputs that a file does not give.
struct ShapeOptions: ParsableArguments {
    @Option(
        name: .customLong("shape"),
        help: ArgumentHelp("The shape of an input, such as data=1,3,224,224. Repeatable.", valueName: "name=n,c,h,w"),
        completion: .shapes)
    var shapes: [NamedShape] = []

    var byName: [String: Shape] { Dictionary(shapes.map { ($0.name, $0.shape) }) { _, last in last } }
}

/// `data=1,3,224,224`
struct NamedShape: ExpressibleByArgument {
    let name: String
    let shape: Shape

    init?(argument: String) {
        guard let separator = argument.lastIndex(of: "="), separator != argument.startIndex else { return nil }
        let dimensions = argument[argument.index(after: separator)...].split(separator: ",").map { Int($0) }
        guard !dimensions.isEmpty, dimensions.allSatisfy({ $0 ?? 0 > 0 }),
            let shape = try? Shape(checking: dimensions.compactMap { $0 })
        else { return nil }
        name = String(argument[..<separator])
        self.shape = shape
    }
}
