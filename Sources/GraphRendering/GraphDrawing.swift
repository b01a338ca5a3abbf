import GraphIR

/// A picture of a graph before anybody has chosen a file format: what is drawn, in which order, but not where.
/// A value of this type is complete: writers need neither the graph nor Graphviz's conventions to read it.
public struct GraphDrawing: Sendable, Equatable {
    /// Above everything.
    public var title: String
    /// The boxes.
    public var nodes: [DrawnNode] = []
    /// The arrows.
    public var edges: [DrawnEdge] = []
    /// The frames around boxes.
    public var clusters: [DrawnCluster] = []
    /// Nodes that stand beside each other, from left to right: the same layer in several stages. Tops come first.
    public var rows: [[String]] = []
    /// What the colours of an overlay stand for.
    public var scale: OverlayScale?
    /// What the widths of the arrows stand for, if they do.
    public var widths: String?
    /// What a reader has to know of the drawing, such as that it is coarser than was asked for.
    public var note: String?

    /// A drawing of nothing yet.
    public init(title: String = "") { self.title = title }

    /// The kinds of path that occur, each once, for the legend.
    public var legend: [PathKind] {
        PathKind.allCases.filter { kind in edges.contains { $0.kind == kind } }
    }

    /// The kinds of box that occur and that the legend explains.
    var categories: [DrawnNode.Category] {
        DrawnNode.Category.allCases.filter { category in
            category != .terminal && nodes.contains { $0.category == category }
        }
    }
}

/// A box.
public struct DrawnNode: Sendable, Equatable {
    /// What sets the colour of a box.
    public enum Category: String, Sendable, CaseIterable {
        case terminal, weighted, fused, normalization, activation, pooling, sum, joining, shaping, quantizing, parameter
        case other
    }

    /// How a box stands out beside the stage before.
    public enum Emphasis: String, Sendable { case plain, pale, strong }

    /// One operation inside a fused node.
    public struct Part: Sendable, Equatable {
        /// The first line of the box.
        public var title: String
        /// `3×3, 64 filters`; empty if there is nothing to say.
        public var details: String
    }

    /// Unique in the drawing.
    public var id: String
    /// The name in the model.
    public var name: String
    /// What it does: `Convolution`, `relu`, `Quantize → uint8`.
    public var title: String
    /// Decides colour and shape.
    public var category: Category
    /// What it calculates with, if it reads codes.
    public var arithmetic: PathKind?
    /// Attributes, range and parameters, a line each.
    public var lines: [String] = []
    /// What a fused node swallowed, in the order of computation.
    public var parts: [Part] = []
    /// The id of the cluster in which it lies.
    public var cluster: String?
    /// Whether it stands out, or back, beside the stage before.
    public var emphasis = Emphasis.plain
    /// How much of an overlay's measure it has, as a step of the scale from 0.
    public var heat: Int?
    /// Everything that is known of it, as it pops up in SVG; by default its name.
    public var tooltip = ""
    /// Where a click leads.
    public var url: String?
}

/// An arrow.
public struct DrawnEdge: Sendable, Equatable {
    /// The identifier of the box that it leaves.
    public var from: String
    /// The identifier of the box that it enters.
    public var to: String
    /// Float, int8, uint8 or int32: decides colour and dashes.
    public var kind: PathKind
    /// Shape, type and range, a line each.
    public var lines: [String] = []
    /// A short cut to where paths join again: the longer path is the one to draw straight.
    public var isSkip = false
    /// In points; nil for that of its kind.
    public var width: Double?
    /// The value that travels along it.
    public var tooltip = ""
}

/// A frame around nodes: a residual block, or a stage.
public struct DrawnCluster: Sendable, Equatable {
    /// What a frame is around.
    public enum Role: String, Sendable { case block, group, stage }

    /// Unique in the drawing.
    public var id: String
    /// The first line of the frame.
    public var title: String
    /// The second line; may be empty.
    public var subtitle: String
    /// What it is around.
    public var role: Role
    /// The id of the frame that it lies in.
    public var parent: String?
}

/// The element type that travels along an arrow.
public enum PathKind: String, Sendable, CaseIterable {
    case float, int8, uint8, int32, other
}

/// How much a drawing tells.
public struct DrawingOptions: Sendable {
    /// How much is drawn.
    public var detail = DetailLevel.nodes
    /// Frames around the blocks of a whole model, and around nodes whose names begin alike.
    public var framesBlocks = true
    /// Shape, type and range on the arrows.
    public var labelsEdges = true
    /// Names and shapes of weights in the boxes that use them.
    public var listsParameters = true
    /// Arrows are as wide as the bytes that travel along them are many.
    public var widthsShowBytes = false
    /// Colours the boxes by a measure instead of by their kind.
    public var overlay: Overlay?
    /// Where a click on a box leads.
    public var link: (@Sendable (Node) -> String?)?

    /// A box for each node.
    public init() {}
}
