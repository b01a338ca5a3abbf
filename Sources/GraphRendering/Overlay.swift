import GraphIR
import TensorCore

/// A measure that colours the boxes of a drawing: the time, the error, the range or the bytes of each layer.
public struct Overlay: Sendable {
    /// What is known of one layer.
    public struct Entry: Sendable, Equatable {
        /// The more, the stronger the colour.
        public var value: Double
        /// `12.3 µs, 4.5 %`
        public var text: String

        /// A number, and how it is written.
        public init(value: Double, text: String) {
            self.value = value
            self.text = text
        }
    }

    /// `time`, for the legend.
    public var title: String
    /// By the names of nodes, or of the nodes of the float model that they stand for.
    public var entries: [String: Entry]
    /// How entries of nodes that share a box become one: the sum of times, the largest error.
    public var isSummed: Bool

    /// The ends of the scale.
    public private(set) var least: Entry?
    /// The largest of them.
    public private(set) var most: Entry?

    /// What colours the nodes, by their names.
    public init(title: String, entries: [String: Entry], isSummed: Bool = false) {
        self.title = title
        self.entries = entries
        self.isSummed = isSummed
        let finite = entries.values.filter(\.value.isFinite)
        least = finite.min { ($0.value, $0.text) < ($1.value, $1.text) }
        most = finite.max { ($0.value, $0.text) < ($1.value, $1.text) }
    }

    /// - Returns: what is known of a node; its own name counts more than its origins.
    func entry(for node: Node) -> Entry? { entries[node.name] ?? entries[node.origin] }

    /// Where a value lies between the least and the most, as one of the steps of the palette.
    func heat(of value: Double) -> Int? {
        guard let low = least?.value, let high = most?.value, value.isFinite else { return nil }
        guard high > low else { return 0 }
        let steps = Palette.heat.count
        return Int(Swift.max(0, Swift.min((value - low) / (high - low) * Double(steps), Double(steps - 1))))
    }

    var scale: OverlayScale { OverlayScale(title: title, low: least?.text ?? "", high: most?.text ?? "") }
}

/// The ends of an overlay's scale, as the legend has them.
public struct OverlayScale: Sendable, Equatable {
    /// What the colours say.
    public var title: String
    /// At the pale end.
    public var low: String
    /// At the strong end.
    public var high: String
}

extension Overlay {
    /// The same with one scale for all of them: stages side by side can be compared.
    public static func sharingScale(_ overlays: [Overlay]) -> [Overlay] {
        let ends = overlays.flatMap { [$0.least, $0.most].compactMap { $0 } }.sorted { $0.value < $1.value }
        return overlays.map { overlay in
            var overlay = overlay
            (overlay.least, overlay.most) = (ends.first, ends.last)
            return overlay
        }
    }

    /// How far the values of each node reach from zero, as far as their ranges are known.
    public static func ranges(of graph: Graph) -> Overlay {
        var entries: [String: Entry] = [:]
        for node in graph.nodes {
            guard let output = node.outputs.first, let type = graph[output].type,
                let range = type.quantization?.grid.map({ $0.range ?? $0.interval(type.dataType) })
            else { continue }
            entries[node.name] = Entry(
                value: Double(range.magnitude), text: ValueLabel.describe(range.min, range.max))
        }
        return Overlay(title: "range", entries: entries)
    }

    /// How many bytes each node reads and writes, its parameters included, as far as shapes are known.
    public static func bytes(of graph: Graph) -> Overlay {
        var entries: [String: Entry] = [:]
        for node in graph.nodes {
            let values = Set(node.inputs.compactMap { $0 } + node.outputs)
            let counts = values.compactMap { graph[$0].byteCount }
            guard !counts.isEmpty else { continue }
            let total = counts.reduce(0) { $0.addingReportingOverflow($1).partialValue }
            entries[node.name] = Entry(value: Double(total), text: ByteText.describe(total))
        }
        return Overlay(title: "bytes", entries: entries, isSummed: true)
    }
}

extension Value {
    /// Nil until the shape is known.
    var byteCount: Int? {
        guard let type, let shape = type.shape else { return nil }
        let (count, overflow) = shape.elementCount.multipliedReportingOverflow(by: type.dataType.byteWidth)
        return overflow ? nil : count
    }
}

enum ByteText {
    /// `1.4 MB`
    static func describe(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "B" ? "\(count) B" : "\((value * 10).rounded() / 10) \(unit)" }
            value /= 1000
        }
        return "\((value * 10).rounded() / 10) TB"
    }
}
