import ArgumentParser
import GraphRendering
import Requant
import TensorCore

struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws one model, or several side by side.",
        discussion: """
            With the shapes of the inputs, the arrows show shapes.
            """,
        examples: [
            Example(
                "The stages of a quantization, one block side by side",
                "requant render --stages stages --block resnetv10_stage2__plus0 "
                    + "--shape data=1,1,28,28 -o block.svg"),
            Example(
                "Two models",
                "requant render resnet18 resnet18-int8 -o both.pdf"),
        ])

    @Argument(help: ArgumentHelp("PREFIX-symbol.json, PREFIX, or FILE.onnx.", valueName: "model"), completion: .model)
    var models: [String] = []

    @Option(
        help: ArgumentHelp("Draws the checkpoints in this folder side by side.", valueName: "dir"),
        completion: .directory)
    var stages: String?

    @OptionGroup var files: ModelFileOptions

    @Option(
        help: ArgumentHelp(
            "Draws the residual block of this name, or that holds this node; a unique part of a name will do.",
            valueName: "name"), completion: .blockNames)
    var block: String?

    @Flag(help: "Draws residual blocks and nothing else: all of one model, or the largest one of several side by side.")
    var blocks = false

    @Option(
        name: .shortAndLong, help: ArgumentHelp("x.svg, x.png, x.pdf or x.dot.", valueName: "out"), completion: .picture
    )
    var out: String

    @Flag(help: "Shows no progress.")
    var quiet = false

    func validate() throws {
        try files.check(models)
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
        try Terminal.print(
            "\(out): \(Wording.count(stages.count, "model")), \(drawing.nodes.count) boxes, "
                + Wording.count(drawing.edges.count, "arrow"))
        let others = blocks && stages.count > 1 ? Model.residualBlocks(of: stages) : []
        if others.count > 1 {
            try Terminal.print("block \(others[0]); others, for --block: \(others.dropFirst().joined(separator: ", "))")
        }
    }

    private func loadStages() throws -> [Stage] {
        if let stages {
            return try Model.stageNames(in: stages).map { name in
                try files.load(stages.appendingPath(name)).stage(title: name)
            }
        }
        return try models.map { try files.load($0).stage(path: $0) }
    }
}
