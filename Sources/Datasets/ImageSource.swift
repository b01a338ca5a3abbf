import TensorCore

/// Images that are decoded when they are asked for.
protocol ImageCollection: Sendable {
    var count: Int { get }
    var hasLabels: Bool { get }
    /// What to call an image: its file, or its place in one.
    func place(of index: Int) -> String
    /// - Throws: `ModelError` that names the place.
    func image(at index: Int, gray: Bool) throws -> Image
    func label(at index: Int) throws -> Int
}

/// A collection of images as batches for one input.
struct ImageSource: RowSource {
    let images: any ImageCollection
    let input: String
    let preprocessing: Preprocessing

    var count: Int { images.count }
    var hasLabels: Bool { images.hasLabels }

    func name(of index: Int) -> String? { images.place(of: index) }

    func rows(_ range: Range<Int>) throws -> Rows {
        let images = images, first = range.lowerBound, gray = preprocessing.isGray
        let batch = try preprocessing.batch(of: range.count, place: { images.place(of: first + $0) }) {
            try images.image(at: first + $0, gray: gray)
        }
        return Rows(inputs: [input: batch], labels: hasLabels ? try range.map { try images.label(at: $0) } : nil)
    }
}
