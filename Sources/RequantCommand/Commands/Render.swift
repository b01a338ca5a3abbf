import ArgumentParser
import Comparison
import GraphRendering
import Requant
import TensorCore

struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws one model, or several side by side.",
        discussion: """
            With the shapes of the inputs, the arrows show shapes. --detail outline folds blocks and what repeats into boxes \
            with a count; layers has a box for each layer with what follows it; nodes (the default) a box for each node; all \
            one for each parameter, too. Of several models, what is unchanged beside the one before is pale, what is changed \
            has a strong frame. SVG has tooltips, links to the operators' documentation, and a dark mode.
            """,
        examples: [
            Example(
                "The stages of a quantization, one block side by side",
                "requant render --stages stages --block resnetv10_stage2__plus0 "
                    + "--shape data=1,1,28,28 -o block.svg"),
            Example(
                "Two models",
                "requant render resnet18 resnet18-int8 -o both.pdf"),
            Example(
                "A large network at a glance",
                "requant render resnet50 --detail outline --shape data=1,3,224,224 -o outline.svg"),
            Example(
                "Where the time goes",
                "requant render resnet50-int8 --show time --shape data=1,3,224,224 -o time.svg"),
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
            "Draws the block of this name, or that holds this node; a unique part of a name will do.",
            valueName: "name"), completion: .blockNames)
    var block: String?

    @Flag(
        help: """
            Draws blocks and nothing else: all of one model, or the largest one of several side by side. Residual, inverted \
            residual, inception, fire, dense and attention blocks are found by their structure.
            """)
    var blocks = false

    @Option(help: "How much becomes a box of its own.")
    var detail = DetailLevel.nodes

    @Option(help: "Colours the boxes by a measure instead of by their kind.")
    var show: ShownMeasure?

    @Option(help: ArgumentHelp("What `requant diff --layers --save` wrote, for --show error.", valueName: "file"))
    var errors: String?

    @Option(help: ArgumentHelp("Makes arrows as wide as the bytes that they move are many.", valueName: "bytes"))
    var widths: ArrowWidth?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("x.svg, x.png, x.pdf or x.dot.", valueName: "out"), completion: .picture
    )
    var out: String

    @Flag(help: "Shows no progress.")
    var quiet = false

    func validate() throws {
        try files.check(models)
        if models.isEmpty == (stages == nil) { throw ValidationError("Give models, or a folder with --stages.") }
        if (show == .error) != (errors != nil) {
            throw ValidationError("--show error and --errors FILE go together.")
        }
        if blocks && block != nil { throw ValidationError("Give --block or --blocks, not both.") }
        if (try? PictureFormat(path: out)) == nil {
            throw ValidationError("A picture is .svg, .png, .pdf or .dot, not '\(out)'.")
        }
    }

    func run() throws {
        var loaded = try loadModels()
        if let show {
            let overlays = Overlay.sharingScale(try loaded.map { try overlay(show, $0.model) })
            for (index, overlay) in overlays.enumerated() { loaded[index].stage.overlay = overlay }
        }
        let stages = loaded.map(\.stage)
        let part = block.map(DrawnPart.block) ?? (blocks ? .blocks : .whole)
        let drawing = try Model.drawing(of: stages, part, options(loaded))
        if let note = drawing.note { Terminal.note(note) }
        try GraphvizRenderer.write(drawing, to: out)
        try Terminal.print(
            "\(out): \(Wording.count(stages.count, "model")), \(drawing.nodes.count) boxes, "
                + Wording.count(drawing.edges.count, "arrow"))
        let others = blocks && stages.count > 1 ? Model.blocks(of: stages) : []
        if others.count > 1 {
            try Terminal.print("block \(others[0]); others, for --block: \(others.dropFirst().joined(separator: ", "))")
        }
    }

    private typealias Loaded = (model: Model, stage: Stage)

    private func loadModels() throws -> [Loaded] {
        if let stages {
            return try Model.stageNames(in: stages).map { name in
                let model = try files.load(stages.appendingPath(name))
                return (model, model.stage(title: name))
            }
        }
        return try models.map { path in
            let model = try files.load(path)
            return (model, model.stage(path: path))
        }
    }

    private func options(_ models: [Loaded]) -> DrawingOptions {
        var options = DrawingOptions()
        options.detail = detail
        options.widthsShowBytes = widths != nil
        if models.count == 1 { options.overlay = models[0].stage.overlay }
        let graphs = models.map(\.model.graph)
        options.link = { node in
            // Of stages of one model, the first that has the node tells its format.
            graphs.first { $0.contains(node.id) && $0[node.id].name == node.name }
                .flatMap { OperatorLinks.url(of: node, in: $0) }
        }
        return options
    }

    private func overlay(_ measure: ShownMeasure, _ model: Model) throws -> Overlay {
        switch measure {
        case .error: Overlay(errorsOf: try ComparisonReport(reading: errors ?? ""))
        case .time: Overlay(try model.profile())
        case .range: .ranges(of: model.graph)
        case .bytes: .bytes(of: model.graph)
        }
    }
}

/// What `--show` colours boxes by.
enum ShownMeasure: String, ExpressibleByArgument, CaseIterable { case error, time, range, bytes }

/// What `--widths` makes arrows as wide as.
enum ArrowWidth: String, ExpressibleByArgument, CaseIterable { case bytes }

extension DetailLevel: ExpressibleByArgument {}
