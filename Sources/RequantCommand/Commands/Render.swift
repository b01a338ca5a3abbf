import ArgumentParser
import GraphRendering
import Requant

struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws one model, or several side by side.",
        discussion: """
            With the shapes of the inputs, the arrows show shapes.

            Example: requant render --stages stages --block stage2_plus0 --shape data=1,1,28,28 -o block.svg
            """)

    @Argument(help: ArgumentHelp("PREFIX-symbol.json, PREFIX, or FILE.onnx.", valueName: "model"))
    var models: [String] = []

    @Option(help: ArgumentHelp("Draws the checkpoints in this folder side by side.", valueName: "dir"))
    var stages: String?

    @OptionGroup var shapes: ShapeOptions

    @Option(help: ArgumentHelp("Draws the residual block of this name, or that holds this node.", valueName: "name"))
    var block: String?

    @Flag(help: "Draws residual blocks and nothing else: all of one model, or the largest one of several side by side.")
    var blocks = false

    @Option(name: .shortAndLong, help: ArgumentHelp("x.svg, x.png, x.pdf or x.dot.", valueName: "out"))
    var out: String

    func validate() throws {
        if models.isEmpty == (stages == nil) { throw ValidationError("Give models, or a folder with --stages.") }
        if blocks && block != nil { throw ValidationError("Give --block or --blocks, not both.") }
        if (try? PictureFormat(path: out)) == nil {
            throw ValidationError("A picture is .svg, .png, .pdf or .dot, not '\(out)'.")
        }
    }

    func run() throws {
        let stages = try loadStages()
        let part = block.map(DrawnPart.block) ?? (blocks ? .blocks : .whole)
        let drawing = try Model.drawing(of: stages, part)
        try GraphvizRenderer.write(drawing, to: out)
        print(
            "\(out): \(Wording.count(stages.count, "model")), \(drawing.nodes.count) boxes, "
                + Wording.count(drawing.edges.count, "arrow"))
        let others = blocks && stages.count > 1 ? Model.residualBlocks(of: stages) : []
        if others.count > 1 {
            print("block \(others[0]); others, for --block: \(others.dropFirst().joined(separator: ", "))")
        }
    }

    private func loadStages() throws -> [Stage] {
        if let stages {
            return try Model.stageNames(in: stages).map { name in
                try Model.load("\(stages)/\(name)", shapes: shapes.byName).stage(title: name)
            }
        }
        return try models.map { try Model.load($0, shapes: shapes.byName).stage(path: $0) }
    }
}
