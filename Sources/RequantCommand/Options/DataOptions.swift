import ArgumentParser
import Datasets
import Foundation
import Requant

/// Data for the inputs of a model, and what happens to images before the model sees them.
struct DataOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "x.npy, x.npz, x.rec, or a folder of images; NAME=x.npy for one input of several. Repeatable.",
            valueName: "data"), completion: .file())
    var data: [DataArgument] = []

    @Option(help: ArgumentHelp("Resizes the shorter edge to this many pixels.", valueName: "n"))
    var resize: Int?

    @Option(help: ArgumentHelp("Cuts out the centre: N, or H,W.", valueName: "n"))
    var crop: CropArgument?

    @Option(parsing: .unconditional, help: ArgumentHelp("Multiplies pixels, after mean and std.", valueName: "s"))
    var scale: Float = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Subtracted from pixels of 0…255, one number or one a channel.", valueName: "a,b,c"))
    var mean: NumberList?

    @Option(help: ArgumentHelp("Divides pixels, one number or one a channel.", valueName: "a,b,c"))
    var std: NumberList?

    @Flag(help: "Makes images gray.")
    var gray = false

    @Flag(help: "Puts blue first instead of red.")
    var bgr = false

    @Option(help: ArgumentHelp("Samples that run at once.", valueName: "n"))
    var batchSize = 32

    @Option(help: ArgumentHelp("Reads only the first so many batches.", valueName: "n"))
    var batches: Int?

    var isGiven: Bool { !data.isEmpty }

    func validate() throws {
        guard batchSize > 0, batches ?? 1 > 0 else {
            throw ValidationError("--batch-size and --batches have to be above 0.")
        }
        if gray && bgr { throw ValidationError("A gray image has no blue: give --gray or --bgr, not both.") }
    }

    /// Commands that cannot do without data ask for it here.
    func requireData() throws {
        if !isGiven { throw ValidationError("Give data with --data.") }
    }

    func open(for model: Model) throws -> Dataset { try open(data, for: model) }

    /// Opens other data with the same preprocessing.
    func open(_ data: [DataArgument], for model: Model) throws -> Dataset {
        let preprocessing = Preprocessing(
            resize: resize, crop: crop?.size, scale: scale, mean: mean?.values ?? [],
            standardDeviation: std?.values ?? [], isGray: gray, isBGR: bgr)
        return try Dataset.open(
            paths: data.filter { $0.input == nil }.map(\.path),
            named: data.compactMap { data in data.input.map { (input: $0, path: data.path) } },
            preprocessing: preprocessing, inputs: model.inputNames, shapes: model.inputShapes)
    }
}

/// `x.npz`, or `NAME=x.npy`.
struct DataArgument: ExpressibleByArgument {
    let input: String?
    let path: String

    init?(argument: String) {
        let separator = argument.firstIndex(of: "=")
        let files = FileManager.default
        guard let separator, !files.fileExists(atPath: argument) else {
            (input, path) = (nil, argument)
            return
        }
        let (name, file) = (String(argument[..<separator]), String(argument[argument.index(after: separator)...]))
        // A file may have an equals sign in its name, and an input a slash.
        guard !name.contains("/") || files.fileExists(atPath: file) else {
            (input, path) = (nil, argument)
            return
        }
        (input, path) = (name, file)
        if path.isEmpty || input == "" { return nil }
    }
}

/// `224`, or `224,256`: height, width.
struct CropArgument: ExpressibleByArgument {
    let size: Preprocessing.Size

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard (1...2).contains(numbers.count), numbers.allSatisfy({ $0 > 0 }), let height = numbers.first,
            let width = numbers.last
        else { return nil }
        size = Preprocessing.Size(height: height, width: width)
    }
}

/// `123.7,116.3,103.5`
struct NumberList: ExpressibleByArgument {
    let values: [Float]

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
        guard numbers.allSatisfy({ $0?.isFinite ?? false }) else { return nil }
        values = numbers.compactMap { $0 }
    }
}
