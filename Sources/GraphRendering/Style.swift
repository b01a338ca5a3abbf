/// The looks of a drawing. Paths differ in colour, width and dashes, so that they stay apart in grey and for eyes that
/// tell few colours; the colours are those of Okabe and Ito, "Color Universal Design" (2008).
struct PathStyle {
    var color: String
    var width: Double
    /// Graphviz's name of the dashes.
    var dashes: String
    var meaning: String

    init(_ kind: PathKind) {
        (color, width, dashes, meaning) = switch kind {
        case .float: ("#4D4D4D", 1.1, "solid", "float32 where no type is given")
        case .int8: ("#0072B2", 2.4, "solid", "int8")
        case .uint8: ("#D55E00", 2.4, "dashed", "uint8")
        case .int32: ("#CC79A7", 2.4, "dotted", "int32")
        case .other: ("#8C8C8C", 1.1, "dashed", "other")
        }
    }
}

/// Fill and border of a box.
struct BoxStyle {
    var fill: String
    var border: String

    init(_ category: DrawnNode.Category) {
        (fill, border) = switch category {
        case .terminal: ("#FFFFFF", "#8C8C8C")
        case .weighted: ("#E6F0F8", "#7B97AB")
        case .fused: ("#E3F1EC", "#6B9C8A")
        case .normalization: ("#F0ECF6", "#9C8FB3")
        case .activation: ("#FBEEE4", "#BD9A7D")
        case .pooling: ("#E8F3F3", "#7FA5A5")
        case .sum: ("#FBF5DC", "#B5A55F")
        case .quantizing: ("#FFFFFF", "#E69F00")
        case .other: ("#F3F3F3", "#A0A0A0")
        }
    }
}
