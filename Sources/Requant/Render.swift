import Foundation
import GraphIR
import GraphRendering
import MXNetFormat
import TensorCore

/// Which part of the models is drawn.
public enum DrawnPart: Sendable, Equatable {
    case whole
    /// The block of that name, or that holds a node of that name.
    case block(String)
    /// Every block of one model; of several models, the block with the most nodes.
    case blocks
}

extension Model {
    /// A model as a stage of a drawing. `path` is its file.
    public func stage(title: String? = nil, path: String = "") -> Stage {
        Stage(graph, title: title, subtitle: path.fileName)
    }

    /// Draws one model, or several side by side with the same layers in one row. A detail that would make more boxes than
    /// can be laid out becomes coarser, and the drawing says so.
    /// - Throws: `ModelError` if a block does not exist.
    public static func drawing(
        of stages: [Stage], _ part: DrawnPart = .whole, _ options: DrawingOptions = DrawingOptions()
    ) throws -> GraphDrawing {
        guard part == .whole else { return try drawing(ofBlocks: part, of: stages, options) }
        var fitting = options
        fitting.detail = options.detail.fitting(stages.map(\.graph))
        var drawing =
            stages.count == 1
            ? GraphDrawing(of: stages[0].graph, options: fitting)
            : try GraphDrawing.sideBySide(stages, options: fitting)
        if fitting.detail != options.detail {
            drawing.note =
                "drawn as --detail \(fitting.detail.rawValue): "
                + "\(options.detail.rawValue) would have more than \(DetailLevel.mostBoxes) boxes"
        }
        return drawing
    }

    private static func drawing(
        ofBlocks part: DrawnPart, of stages: [Stage], _ options: DrawingOptions
    ) throws -> GraphDrawing {
        var name: String?
        if case .block(let given) = part { name = given }
        guard stages.count == 1 else {
            guard let block = name ?? blocks(of: stages).first else {
                throw ModelError("has no block", at: stages.first?.graph.name ?? "")
            }
            return try .sideBySide(stages, block: block, options: options)
        }
        let graph = stages[0].graph
        let blocks = try name.map { [try Block.find($0, in: graph)] } ?? Block.find(in: graph)
        guard !blocks.isEmpty else { throw ModelError("has no block", at: graph.name) }
        return GraphDrawing(of: blocks, in: graph, options: options)
    }

    /// The names of the blocks of the first stage, the one with the most nodes first.
    public static func blocks(of stages: [Stage]) -> [String] {
        let blocks = stages.first.map { Block.find(in: $0.graph) } ?? []
        return blocks.sorted { $0.nodes.count > $1.nodes.count }.map(\.name)
    }

    /// The stages that `requant quantize --stages` wrote into a folder, in order: the names of the checkpoints.
    /// - Throws: `ModelError` if the folder has no checkpoint.
    public static func stageNames(in folder: String) throws -> [String] {
        let suffix = CheckpointPaths.symbolSuffix
        let files: [String]
        do { files = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw ModelError("is no folder that can be read", at: folder)
        }
        let names = files.filter { $0.hasSuffix(suffix) }.sorted().map { String($0.dropLast(suffix.count)) }
        guard !names.isEmpty else {
            throw ModelError("has no checkpoints (NAME\(suffix)) in it", at: folder)
        }
        return names
    }
}
