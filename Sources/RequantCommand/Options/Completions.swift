import ArgumentParser
import Requant

/// What a shell offers behind an option. Scripts for bash, zsh and fish come from
/// `requant --generate-completion-script SHELL`.
extension CompletionKind {
    /// `PREFIX-symbol.json` or `FILE.onnx`.
    static let model = file(extensions: ["json", "onnx"])
    static let parameters = file(extensions: ["params", "npz"])
    static let picture = file(extensions: ["svg", "png", "pdf", "dot"])
    static let page = file(extensions: ["html"])
    static let archive = file(extensions: ["npz"])

    /// The nodes of the model on the line.
    static let nodeNames = custom { words, _, _ in
        model(in: words).map { model in
            let nodes = model.graph.topologicalOrder().map { model.graph[$0] }
            return nodes.flatMap { $0.origins.contains($0.name) ? $0.origins : [$0.name] + $0.origins }
        } ?? []
    }

    /// The operators in the model on the line.
    static let operatorNames = custom { words, _, _ in
        model(in: words).map { model in Set(model.graph.topologicalOrder().map { model.graph[$0].op }).sorted() } ?? []
    }

    /// The blocks of the model on the line.
    static let blockNames = custom { words, _, _ in
        model(in: words).map { Model.blocks(of: [$0.stage()]) } ?? []
    }

    /// The inputs of the model on the line, as the beginning of a shape.
    static let shapes = custom { words, _, _ in
        model(in: words).map { model in model.inputNames.map { "\($0)=" } } ?? []
    }

    /// The first word that is a model. A line that is being typed may be anything.
    private static func model(in words: [String]) -> Model? {
        words.lazy.filter { !$0.hasPrefix("-") }.compactMap { try? Model.load($0) }.first
    }
}
