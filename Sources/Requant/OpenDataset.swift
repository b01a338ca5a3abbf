import Datasets

extension Model {
    /// Opens data for the model's inputs.
    ///
    /// - Parameters:
    ///   - paths: `.npy`, `.npz` (arrays by input name, `label` for the labels), `.rec`, or folders of images; several
    ///     follow one another along the first axis.
    ///   - named: data for one input of several each.
    ///   - preprocessing: what happens to images, and to the array of the first input.
    /// - Throws: `ModelError` for missing or damaged files, unknown inputs, and data that does not fit together.
    public func dataset(
        _ paths: String..., named: [(input: String, path: String)] = [], preprocessing: Preprocessing = .none
    ) throws -> Dataset {
        try Dataset.open(
            paths: paths, named: named, preprocessing: preprocessing, inputs: inputNames, shapes: inputShapes)
    }
}
