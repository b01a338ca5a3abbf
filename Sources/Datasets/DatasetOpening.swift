import Foundation
import TensorCore

extension Dataset {
    /// Opens `.npy`, `.npz` and `.rec` files and folders of images.
    ///
    /// An `.npz` has arrays by input name; one named `label` or `labels` is the labels, and others are left alone.
    /// Everything else without a name is for the first input.
    /// - Parameters:
    ///   - paths: one after the other along the first axis.
    ///   - named: data for one input each; several for the same input follow one another. Scalars are allowed.
    ///   - preprocessing: for images, and for the array of the first input.
    ///   - inputs: the model's inputs.
    ///   - shapes: the shapes that the model has for them. Of several inputs, an array of just that shape is given
    ///     whole, not sample by sample: its first axis need not be that of the others.
    /// - Throws: `ModelError` for missing or unknown files, unknown inputs, and data that does not fit together.
    public static func open(
        paths: [String], named: [(input: String, path: String)] = [], preprocessing: Preprocessing = .none,
        inputs: [String], shapes: [String: Shape] = [:]
    ) throws -> Dataset {
        try preprocessing.validate()
        guard let first = inputs.first else {
            guard paths.isEmpty, named.isEmpty else { throw ModelError("the model has no inputs to give data to") }
            return try Dataset(sources: [], constants: [:])
        }
        let opener = DataOpener(
            inputs: inputs, imageInput: first, preprocessing: preprocessing, shapes: inputs.count > 1 ? shapes : [:])
        var groups: [(input: String?, data: [OpenedData])] = []
        if !paths.isEmpty { groups.append((nil, try paths.map { try opener.open($0, for: nil) })) }
        for (input, path) in named {
            guard inputs.contains(input) else {
                let near = nearestNames(to: input, among: inputs)
                throw ModelError(
                    "the model has no input '\(input)'",
                    advice: near.isEmpty ? "it has \(inputs.commaSeparated)" : "did you mean \(near.commaSeparated)?")
            }
            let data = try opener.open(path, for: input)
            if let index = groups.firstIndex(where: { $0.input == input }) {
                groups[index].data.append(data)
            } else {
                groups.append((input, [data]))
            }
        }
        return try join(groups.map(\.data))
    }

    private static func join(_ groups: [[OpenedData]]) throws -> Dataset {
        var sources: [(inputs: [String], source: any RowSource)] = [], constants: [String: Tensor] = [:]
        for group in groups {
            for data in group {
                guard data.inputs.sorted() == group[0].inputs.sorted() else {
                    throw ModelError(
                        "has data for \(data.inputs.commaSeparated), but '\(group[0].path)' has it for "
                            + group[0].inputs.commaSeparated, at: data.path)
                }
                for (input, scalar) in data.scalars where constants.updateValue(scalar, forKey: input) != nil {
                    throw ModelError("the scalar input '\(input)' is given twice", at: data.path)
                }
            }
            let parts = group.compactMap(\.source)
            if !parts.isEmpty { sources.append((group[0].inputs, ConcatenatedSource(parts))) }
        }
        return try Dataset(sources: sources, constants: constants)
    }
}

/// One file or folder.
private struct OpenedData {
    var path: String
    /// The inputs that `source` gives.
    var inputs: [String]
    var source: (any RowSource)?
    /// Inputs that are the same for all samples.
    var scalars: [String: Tensor] = [:]
}

private struct DataOpener {
    let inputs: [String]
    /// The first input: it gets images and what has no name, and preprocessing is for it.
    let imageInput: String
    let preprocessing: Preprocessing
    /// Arrays of these shapes are given whole.
    let shapes: [String: Shape]

    func open(_ path: String, for input: String?) throws -> OpenedData {
        guard FileManager.default.fileExists(atPath: path) else { throw ModelError("does not exist", at: path) }
        if ImageFolder.isFolder(path) { return images(try ImageFolder(path), path, input) }
        switch path.fileExtension {
        case "npy":
            return try arrays([(input ?? imageInput, NumPyFile.read(path))], labels: nil, path)
        case "npz": return try archive(NumPyArchive(path), path, input)
        case "rec": return images(try ImageRecords(path), path, input)
        default:
            throw ModelError(
                "is of an unknown kind", at: path, advice: "expected .npy, .npz, .rec or a folder of images")
        }
    }

    private func images(_ images: some ImageCollection, _ path: String, _ input: String?) -> OpenedData {
        let input = input ?? imageInput
        let source = ImageSource(images: images, input: input, preprocessing: preprocessing)
        return OpenedData(path: path, inputs: [input], source: source)
    }

    private func archive(_ archive: NumPyArchive, _ path: String, _ input: String?) throws -> OpenedData {
        if let input {
            let names = archive.names
            // Of an archive that is meant for one input, the array of that name, or the only one.
            guard names.contains(input) || names.count == 1 else {
                throw ModelError("has no array '\(input)'", at: path, advice: "it has \(names.commaSeparated)")
            }
            let name = names.contains(input) ? input : names[0]
            return try arrays([(input, archive.tensor(named: name))], labels: nil, path)
        }
        let labels = archive.names.first { ["label", "labels"].contains($0) && !inputs.contains($0) }
        // Other arrays, such as expected outputs, are none of ours.
        let chosen = archive.names.filter(inputs.contains).map { (input: $0, name: $0) }
        guard !chosen.isEmpty else {
            throw ModelError(
                "has arrays \(archive.names.commaSeparated), but the model's inputs are \(inputs.commaSeparated)",
                at: path, advice: "name the arrays after the inputs, and the labels 'label'")
        }
        return try arrays(
            chosen.map { ($0.input, try archive.tensor(named: $0.name)) }, labels: labels.map(archive.tensor), path)
    }

    private func arrays(
        _ arrays: [(input: String, tensor: Tensor)], labels: Tensor?, _ path: String
    ) throws -> OpenedData {
        func isWhole(_ array: (input: String, tensor: Tensor)) -> Bool {
            array.tensor.shape.rank == 0 || labels == nil && array.tensor.shape == shapes[array.input]
        }
        let samples = arrays.filter { !isWhole($0) }
        let scalars = arrays.filter(isWhole)
        let source =
            try samples.isEmpty
            ? nil
            : locating(path) {
                try ArraySource(samples, labels: labels, preprocessing: preprocessing, imageInput: imageInput)
            }
        return OpenedData(
            path: path, inputs: samples.map(\.input), source: source,
            scalars: Dictionary(scalars.map { ($0.input, $0.tensor) }, uniquingKeysWith: { $1 }))
    }
}
