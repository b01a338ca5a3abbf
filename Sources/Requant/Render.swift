import Foundation
import GraphIR
import GraphRendering
import MXNetFormat
import TensorCore

/// Which part of the models is drawn.
public enum DrawnPart: Sendable, Equatable {
    case whole
    /// The residual block of that name, or that holds a node of that name.
    case block(String)
    /// Every residual block of one model; of several models, the block with the most nodes.
    case blocks
}

extension Model {
    /// A model as a stage of a drawing. `path` is its file.
    public func stage(title: String? = nil, path: String = "") -> Stage {
        Stage(graph, title: title, subtitle: path.fileName)
    }

    /// Draws one model, or several side by side with the same layers in one row.
    /// - Throws: `ModelError` if a block does not exist.
    public static func drawing(of stages: [Stage], _ part: DrawnPart = .whole) throws -> GraphDrawing {
        guard stages.count == 1 else {
            switch part {
            case .whole: return try .sideBySide(stages)
            case .block(let name): return try .sideBySide(stages, block: name)
            case .blocks:
                guard let block = residualBlocks(of: stages).first else {
                    throw ModelError("has no residual block", at: stages[0].graph.name)
                }
                return try .sideBySide(stages, block: block)
            }
        }
        let graph = stages[0].graph
        switch part {
        case .whole: return GraphDrawing(of: graph)
        case .block(let name): return GraphDrawing(of: [try ResidualBlock.find(name, in: graph)], in: graph)
        case .blocks:
            let blocks = ResidualBlock.find(in: graph)
            guard !blocks.isEmpty else { throw ModelError("has no residual block", at: graph.name) }
            return GraphDrawing(of: blocks, in: graph)
        }
    }

    /// The names of the residual blocks of the first stage, the one with the most nodes first.
    public static func residualBlocks(of stages: [Stage]) -> [String] {
        let blocks = stages.first.map { ResidualBlock.find(in: $0.graph) } ?? []
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
