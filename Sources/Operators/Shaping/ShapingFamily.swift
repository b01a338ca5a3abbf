extension OperatorFamily {
    /// The same elements, arranged otherwise.
    static let shaping = OperatorFamily(
        name: "Shaping",
        definitions: [
            Flatten(), Concat(), ReshapeLike(), ExpandDims(), Slice(), SliceAxis(), SliceLike(), Crop(), Tile(),
            Repeat(), Stack(), CenterCropPad(), SequenceReverse(), WindowColumns(),
        ] + spellings)

    /// Those that MXNet, its NumPy and ONNX have in several spellings.
    private static let spellings: [any OperatorDefinition] =
        Reshape.all + Transpose.all + Squeeze.all + Reverse.all + Split.all + Broadcast.all + Pad.all + DepthSpace.all
        + Diagonal.all + Triangle.all + ShapeValues.all
}
