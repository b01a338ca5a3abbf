import TensorCore

/// Arrays in memory or in a mapped file, sample by sample along their outermost axis.
struct ArraySource: RowSource {
    private let arrays: [String: Tensor]
    private let labels: [Int]?
    private let preprocessing: Preprocessing
    /// The input that preprocessing is for.
    private let imageInput: String
    let count: Int

    /// - Throws: `ModelError` if the arrays, or the labels, differ in their number of samples.
    init(
        _ arrays: [(input: String, tensor: Tensor)], labels: Tensor?, preprocessing: Preprocessing, imageInput: String
    ) throws {
        var count: Int?
        for (input, tensor) in arrays {
            guard tensor.shape.rank > 0, tensor.shape[0] == count ?? tensor.shape[0] else {
                throw ModelError("array '\(input)' is \(tensor.shape); the others have \(count ?? 0) samples")
            }
            count = tensor.shape[0]
        }
        self.count = count ?? 0
        if let labels {
            guard labels.elementCount == self.count, labels.shape.rank > 0, labels.shape[0] == self.count else {
                throw ModelError("the labels are \(labels.shape); expected one for each of the \(self.count) samples")
            }
        }
        self.arrays = Dictionary(arrays.map { ($0.input, $0.tensor) }, uniquingKeysWith: { $1 })
        self.labels = labels?.asInts()
        self.preprocessing = preprocessing
        self.imageInput = imageInput
    }

    var hasLabels: Bool { labels != nil }

    func rows(_ range: Range<Int>) throws -> Rows {
        var rows = Rows(inputs: arrays.mapValues { $0.rows(range) }, labels: labels.map { Array($0[range]) })
        if preprocessing != .none, let pixels = rows.inputs[imageInput] {
            rows.inputs[imageInput] = try locating("array '\(imageInput)'") { try preprocessed(pixels) }
        }
        return rows
    }

    /// uint8 pixels, N×1×H×W or N×3×H×W, are images; anything else is only normalized.
    private func preprocessed(_ array: Tensor) throws -> Tensor {
        if array.dataType == .uint8, array.shape.rank == 4, [1, 3].contains(array.shape[1]) {
            return try preprocessing.batch(of: array.shape[0], place: { "sample \($0)" }) { index in
                try Image(channels: array.shape[1], height: array.shape[2], width: array.shape[3]) { pixels in
                    array.rows(index..<index + 1).withElements(as: UInt8.self) { _ = pixels.initialize(from: $0) }
                }
            }
        }
        guard preprocessing.resize == nil, preprocessing.crop == nil, !preprocessing.isGray, !preprocessing.isBGR else {
            throw ModelError(
                "\(array.type) cannot be resized, cropped or recoloured; only uint8 pixels, N×1×H×W or N×3×H×W, can",
                advice: "leave out --resize, --crop, --gray and --bgr")
        }
        let channels = array.shape.rank > 2 ? array.shape[1] : 1
        let factors = try preprocessing.normalization(channels: channels)
        let channelSize = max(array.elementCount / max(array.shape[0] * channels, 1), 1)
        return array.asFloat32().withElements(as: Float.self) { values in
            Tensor(shape: array.shape, of: Float.self) { target in
                for index in values.indices {
                    let (mean, factor) = factors[index / channelSize % channels]
                    target[index] = (values[index] - mean) * factor
                }
            }
        }
    }
}
