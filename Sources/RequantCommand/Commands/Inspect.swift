import ArgumentParser
import Requant
import TensorCore

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a model or a file is, how old, and what can be done with it.",
        discussion: """
            The file may also be a .params, .npz, .npy, .rec or .idx, an image, or a table of ranges alone.
            """,
        examples: [
            Example(
                "What is in a checkpoint, and what can be done with it",
                "requant inspect resnet18 --shape data=1,3,224,224"),
            Example(
                "Every layer with type, shape and range",
                "requant inspect resnet18-int8 --layers"),
            Example(
                "A file alone: parameters, images, a table of ranges",
                "requant inspect calib.rec"),
        ])

    @OptionGroup var model: ModelOptions

    @Flag(help: "Lists every node: operator, type, shape and range, and the nodes that it stands for.")
    var layers = false

    @Flag(help: "Lists every parameter: extremes, mean, deviation, dead channels.")
    var weights = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let kind = try FileKind(of: model.path)
        let report = kind == .model ? try modelReport() : try fileReport(kind)
        if output.json { try JSONOutput.print(report) } else { try Terminal.print(report.text, terminator: "") }
    }

    private func modelReport() throws -> InspectReport {
        let model = try model.load()
        return InspectReport(
            content: .model(model.summary()), layers: layers ? model.layerRows : nil,
            weights: weights ? model.weightRows : nil)
    }

    private func fileReport(_ kind: FileKind) throws -> InspectReport {
        let path = model.path
        guard !layers else {
            throw ModelError("there are no layers in it", at: path, advice: "name the -symbol.json or the .onnx file")
        }
        switch kind {
        case .records: return InspectReport(content: .records(try RecordFileSummary(reading: path)))
        case .index: return InspectReport(content: .records(try RecordFileSummary(readingIndex: path)))
        case .image: return InspectReport(content: .image(try ImageFileSummary(reading: path)))
        case .ranges: return InspectReport(content: .ranges(try RangeFileSummary(reading: path)))
        default:
            return InspectReport(
                content: .arrays(try ArrayFileSummary(reading: path, kind: kind)),
                weights: weights ? try WeightRow.rows(of: path, kind: kind) : nil)
        }
    }
}
