import CGraphviz
import Foundation
import Synchronization
import TensorCore

/// The formats of pictures.
public enum PictureFormat: String, Sendable, CaseIterable {
    case svg, png, pdf, dot

    /// The format that the ending of a file's name asks for.
    /// - Throws: `ModelError` if there is none such.
    public init(path: String) throws {
        let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map(String.init) ?? ""
        guard let format = PictureFormat(rawValue: ending.lowercased()) else {
            let endings = PictureFormat.allCases.map { "." + $0.rawValue }.joined(separator: ", ")
            throw ModelError(
                "\"\(ending)\" is no format of pictures", at: path, advice: "let the name end in \(endings)")
        }
        self = format
    }
}

/// Lays drawings out with Graphviz, in this process.
public enum GraphvizRenderer {
    /// Graphviz keeps its state in globals: one layout at a time.
    private static let graphviz = Mutex(())

    /// The bytes of a picture. `dot` is the description itself, without a layout.
    /// - Throws: `ModelError` with what Graphviz says.
    public static func render(_ drawing: GraphDrawing, as format: PictureFormat) throws -> [UInt8] {
        if format == .dot { return Array(DOTWriter.text(for: drawing).utf8) }
        let description = DOTWriter.text(for: drawing, resolution: format == .png ? 144 : nil)
        let bytes = try picture(of: description, as: format)
        return format == .svg ? SVGPicture.styled(bytes) : bytes
    }

    /// Lays out a text in Graphviz's language.
    static func picture(of description: String, as format: PictureFormat) throws -> [UInt8] {
        try graphviz.withLock { _ in try layOut(description, as: format) }
    }

    /// Draws into a file; the format follows from its name.
    public static func write(_ drawing: GraphDrawing, to path: String) throws {
        let bytes = try render(drawing, as: PictureFormat(path: path))
        try FileOutput.write(to: path) { try $0.write(bytes) }
    }

    private static func layOut(_ description: String, as format: PictureFormat) throws -> [UInt8] {
        // Messages are kept for `failure` instead of going to the terminal.
        agseterr(AGMAX)
        guard let context = gvContext() else { throw failure("cannot be started") }
        defer { gvFreeContext(context) }
        guard let graph = agmemread(description) else { throw failure("does not understand the drawing") }
        defer { agclose(graph) }
        guard gvLayout(context, graph, "dot") == 0 else { throw failure("cannot lay the drawing out") }
        defer { gvFreeLayout(context, graph) }
        var data: UnsafeMutablePointer<CChar>?
        var length: UInt32 = 0
        guard gvRenderData(context, graph, format.rawValue, &data, &length) == 0, let data else {
            throw failure("cannot write \(format.rawValue)")
        }
        defer { gvFreeRenderData(data) }
        return Array(UnsafeRawBufferPointer(start: data, count: Int(length)))
    }

    private static func failure(_ problem: String) -> ModelError {
        guard let message = aglasterr() else { return ModelError("Graphviz \(problem)") }
        defer { free(message) }
        let reason = String(cString: message).split(separator: "\n").joined(separator: " ")
        return ModelError("Graphviz \(problem): \(reason)", advice: "try -o OUT.dot and look at the description")
    }
}
