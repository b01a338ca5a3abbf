import GraphIR
import GraphRendering
import Reporting

/// The pictures of a report: each model, and one block of all of them side by side.
struct ReportPictures {
    private let models: [(name: String, model: Model)]
    /// For each model, the place of its nodes in the table of layers.
    private let places: [[String: Int]]

    init(_ models: [(name: String, model: Model)]) {
        self.models = models
        places = models.map { entry in
            let graph = entry.model.graph
            return Dictionary(
                graph.topologicalOrder().enumerated().map { (graph[$1].name, $0) }
            ) { first, _ in first }
        }
    }

    func pictures(block: String?) throws -> [ReportPicture] {
        try [sideBySide(block)].compactMap { $0 } + models.indices.map(whole)
    }

    private func whole(_ index: Int) throws -> ReportPicture {
        let (name, model) = models[index]
        var options = DrawingOptions()
        options.detail = .layers
        let places = places[index]
        options.link = { node in places[node.name].map { ReportPage.link(model: index, node: $0) } }
        let drawing = try Model.drawing(of: [model.stage(path: name)], .whole, options)
        return ReportPicture(
            title: name, caption: drawing.note ?? "A box for each layer with what follows it.",
            svg: try GraphvizRenderer.inlineSVG(drawing))
    }

    /// Nil for one model, and for models without blocks.
    private func sideBySide(_ block: String?) throws -> ReportPicture? {
        let stages = models.map { $0.model.stage(path: $0.name) }
        guard stages.count > 1 || block != nil else { return nil }
        guard let name = block ?? Model.blocks(of: stages).first else { return nil }
        var options = DrawingOptions()
        let places = places
        // A node of a later stage has another name, or is the same layer.
        options.link = { node in
            places.indices.lazy.compactMap { index in
                places[index][node.name].map { ReportPage.link(model: index, node: $0) }
            }.first
        }
        // Stages that do not belong together have no common block; they are drawn one by one.
        do {
            let drawing = try Model.drawing(of: stages, .block(name), options)
            return ReportPicture(
                title: "\(name), side by side", caption: "What changed beside the stage before has a strong frame.",
                svg: try GraphvizRenderer.inlineSVG(drawing))
        } catch {
            guard block == nil else { throw error }
            return nil
        }
    }
}
