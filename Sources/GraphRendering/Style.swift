/// The looks of a path. Paths differ in colour, width and dashes, so that they stay apart in grey and for eyes that tell
/// few colours.
struct PathStyle {
    var tone: Tone
    var width: Double
    /// Graphviz's name of the dashes.
    var dashes: String
    var meaning: String

    var color: String { tone.light }

    init(_ kind: PathKind) {
        (tone, width, dashes, meaning) =
            switch kind {
            case .float: (Palette.black, 1.1, "solid", "float32 where no type is given")
            case .int8: (Palette.blue, 2.4, "solid", "int8")
            case .uint8: (Palette.vermilion, 2.4, "dashed", "uint8")
            case .int32: (Palette.purple, 2.4, "dotted", "int32")
            case .other: (Palette.grey, 1.1, "dashed", "other")
            }
    }
}

/// Fill and border of a box, and what its kind is called in the legend.
struct BoxStyle {
    var fill: Tone
    var border: Tone
    var meaning: String

    init(_ category: DrawnNode.Category) {
        (fill, border, meaning) =
            switch category {
            case .terminal: (Palette.page, Palette.grey, "")
            case .weighted: (Tone("#e6f0f8", "#1b3347"), Tone("#7b97ab", "#5f88a6"), "layer with weights")
            case .fused: (Tone("#e3f1ec", "#173a2e"), Tone("#6b9c8a", "#4f9479"), "fused layer")
            case .normalization: (Tone("#f0ecf6", "#31284a"), Tone("#9c8fb3", "#8a78ad"), "normalization")
            case .activation: (Tone("#fbeee4", "#44301f"), Tone("#bd9a7d", "#a57e5c"), "activation")
            case .pooling: (Tone("#e4f2f4", "#17383c"), Tone("#7fa5a5", "#5b9192"), "pooling")
            case .sum: (Tone("#fbf5dc", "#3d3715"), Tone("#b5a55f", "#a8963f"), "sum")
            case .joining: (Tone("#f6e9f0", "#43263a"), Tone("#b58aa4", "#a06f8e"), "concatenation")
            case .shaping: (Tone("#f1f1ee", "#2c2d28"), Tone("#a5a597", "#7d7e72"), "shape")
            case .quantizing: (Palette.page, Palette.orange, "quantization")
            case .parameter: (Tone("#fefefe", "#101316"), Tone("#c4c4c4", "#50575e"), "parameter")
            case .other: (Tone("#f3f3f3", "#2a2e33"), Tone("#a0a0a0", "#7c848b"), "other")
            }
    }
}
