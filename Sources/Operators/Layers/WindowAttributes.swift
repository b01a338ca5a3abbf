import GraphIR
import TensorCore

/// kernel, stride, dilate and pad of the operators that slide a window over the spatial axes, as MXNet spells them.
///
/// The graph knows two attributes more, for ONNX: `pad_end`, the padding at the end of each axis where it is not that at
/// the beginning, and `auto_pad`, SAME_UPPER or SAME_LOWER, for as long as the extents are not known.
struct WindowAttributes {
    enum AutomaticPadding: String, CaseIterable {
        case upper = "SAME_UPPER"
        case lower = "SAME_LOWER"
    }

    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var pads: [Int]
    var padsEnd: [Int]
    var automaticPadding: AutomaticPadding?

    init(_ attributes: Attributes) throws {
        guard let kernel = try attributes.extents("kernel"), !kernel.isEmpty, kernel.allSatisfy({ $0 > 0 }) else {
            throw ModelError("kernel is missing or empty")
        }
        func spatial(_ name: String, default fallback: Int, atLeast least: Int) throws -> [Int] {
            try Self.spatial(attributes, name, rank: kernel.count, default: fallback, atLeast: least)
        }
        try Self.checkLayout(attributes)
        self.kernel = kernel
        strides = try spatial("stride", default: 1, atLeast: 1)
        dilations = try spatial("dilate", default: 1, atLeast: 1)
        pads = try spatial("pad", default: 0, atLeast: 0)
        padsEnd = try attributes["pad_end"] == nil ? pads : spatial("pad_end", default: 0, atLeast: 0)
        if attributes["auto_pad"] != nil {
            automaticPadding = try attributes.choice("auto_pad", default: AutomaticPadding.upper)
        }
    }

    /// One value for each spatial axis.
    static func spatial(
        _ attributes: Attributes, _ name: String, rank: Int, default fallback: Int, atLeast least: Int = 0
    ) throws -> [Int] {
        guard let values = try attributes.extents(name), !values.isEmpty else {
            return [Int](repeating: fallback, count: rank)
        }
        guard values.count == rank, values.allSatisfy({ $0 >= least }) else {
            throw ModelError("\(name)=(\(values.commaSeparated)) does not fit \(rank) spatial axes")
        }
        return values
    }

    static func checkLayout(_ attributes: Attributes) throws {
        guard let layout = attributes.text("layout"), layout != "None", !["NCW", "NCHW", "NCDHW"].contains(layout)
        else { return }
        throw ModelError(
            "layout \(layout) is not supported, only NCW, NCHW and NCDHW are",
            advice: "MXNet runs others on GPUs only; transpose the data before, and the result behind")
    }

    /// From the first to the last element under the window.
    func reach(_ axis: Int) -> Int { dilations[axis] * (kernel[axis] - 1) + 1 }

    func check(_ source: Shape) throws {
        guard source.rank == kernel.count + 2 else {
            throw ModelError("a \(kernel.count)-dimensional kernel cannot run over \(source)")
        }
    }

    /// The same window with explicit padding: as many results as strides fit into the source, and padding for them.
    func resolved(over source: Shape) throws -> WindowAttributes {
        try check(source)
        guard let automaticPadding else { return self }
        var window = self
        window.automaticPadding = nil
        for axis in kernel.indices {
            let extent = source[axis + 2]
            let results = (extent + strides[axis] - 1) / strides[axis]
            window.split(max((results - 1) * strides[axis] + reach(axis) - extent, 0), axis, automaticPadding)
        }
        return window
    }

    /// A position along an axis; strides come from files.
    static func product(_ a: Int, _ b: Int) throws -> Int {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        guard !overflow, product <= Int.max / 4 else { throw ModelError("a stride of \(b) is out of range") }
        return product
    }

    /// Half of the padding at either end; the odd one at the end that `choice` says.
    mutating func split(_ total: Int, _ axis: Int, _ choice: AutomaticPadding) {
        let half = total >> 1
        pads[axis] = choice == .upper ? half : total - half
        padsEnd[axis] = total - pads[axis]
    }

    /// What MXNet's attributes are for a node with a window.
    /// - Throws: `ModelError` for padding that MXNet cannot say.
    static func mxnetAttributes(_ node: NodeReader) throws -> Attributes {
        guard node.attributes["auto_pad"] != nil || node.attributes["pad_end"] != nil else { return node.attributes }
        let window = try WindowAttributes(node.attributes)
        let explicit = try window.automaticPadding == nil ? window : window.resolved(over: node.shape(0))
        guard explicit.pads == explicit.padsEnd else {
            throw ModelError(
                "pads with (\(explicit.pads.commaSeparated)) at the beginning and (\(explicit.padsEnd.commaSeparated)) "
                    + "at the end, which MXNet cannot", at: node.place)
        }
        var attributes = node.attributes
        attributes["auto_pad"] = nil
        attributes["pad_end"] = nil
        attributes["pad"] = .integers(explicit.pads)
        return attributes
    }
}
