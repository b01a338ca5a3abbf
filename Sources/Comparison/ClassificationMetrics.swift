import TensorCore

/// How often a reference and a candidate classify correctly, and how often they agree, gathered batch by batch.
///
/// top-1 = the share of images whose largest logit is that of the label (Russakovsky et al., *ImageNet Large Scale
/// Visual Recognition Challenge*, IJCV 2015). Of equal logits the first wins, as in NumPy's `argmax`; NaN never wins,
/// and a row of nothing but NaN predicts no class.
public struct ClassificationMetrics: Sendable, Equatable {
    /// Images that were looked at.
    public private(set) var imageCount = 0
    /// Those of them with a label.
    public private(set) var labelledCount = 0
    /// Those that both models put into one class.
    public private(set) var agreeingCount = 0
    /// Those that the reference classifies correctly.
    public private(set) var referenceCorrect = 0
    /// Those that the candidate classifies correctly.
    public private(set) var candidateCorrect = 0
    /// The classes that reference and candidate put a sample into, with how many samples: one entry for each that occurs.
    private var confusion: [ClassPair: Int] = [:]
    /// By label: samples, and how many of them the reference and the candidate classify correctly.
    private var byLabel: [Int: LabelCounts] = [:]

    private struct ClassPair: Hashable {
        var reference: Int?
        var candidate: Int?
    }

    private struct LabelCounts: Equatable {
        var count = 0
        var reference = 0
        var candidate = 0
    }

    public init() {}

    /// Takes one more batch of logits, images × classes; further axes of extent 1 do not matter.
    /// - Parameters:
    ///   - reference: logits of the model that counts as right, samples × classes.
    ///   - candidate: logits of the other, of the same shape.
    ///   - labels: the classes of the images, if they are known.
    /// - Throws: `ModelError` if the shapes differ, are no logits, or the labels are too few or too many.
    public mutating func add(reference: Tensor, candidate: Tensor, labels: [Int]?) throws {
        try requireSameShape(reference, candidate)
        let references = try Self.predictions(reference), candidates = try Self.predictions(candidate)
        imageCount += references.count
        agreeingCount += zip(references, candidates).count { $0 != nil && $0 == $1 }
        for (a, b) in zip(references, candidates) { confusion[ClassPair(reference: a, candidate: b), default: 0] += 1 }
        guard let labels else { return }
        guard labels.count == references.count else {
            throw ModelError("\(references.count) images have \(labels.count) labels")
        }
        labelledCount += labels.count
        referenceCorrect += zip(references, labels).count { $0 == $1 }
        candidateCorrect += zip(candidates, labels).count { $0 == $1 }
        for (index, label) in labels.enumerated() {
            byLabel[label, default: LabelCounts()].count += 1
            if references[index] == label { byLabel[label]?.reference += 1 }
            if candidates[index] == label { byLabel[label]?.candidate += 1 }
        }
    }

    /// Classes that occur, in order.
    public var classes: [ClassComparison] {
        let predicted = Dictionary(grouping: confusion.keys) { $0.reference }
        let indices = Set(predicted.keys.compactMap { $0 }).union(byLabel.keys)
        return indices.sorted().map { index in
            let pairs = predicted[index] ?? []
            let counts = byLabel[index] ?? (labelledCount > 0 ? LabelCounts() : nil)
            return ClassComparison(
                index: index, images: pairs.reduce(0) { $0 + confusion[$1, default: 0] },
                agreeing: confusion[ClassPair(reference: index, candidate: index), default: 0],
                labelled: counts?.count, referenceCorrect: counts?.reference, candidateCorrect: counts?.candidate)
        }
    }

    /// The confusion of the two models with each other, apart from where they agree; the most frequent first.
    public var disagreements: [Disagreement] {
        confusion.filter { $0.key.reference != $0.key.candidate }
            .map { Disagreement(reference: $0.key.reference, candidate: $0.key.candidate, images: $0.value) }
            .sorted {
                ($1.images, $0.reference ?? -1, $0.candidate ?? -1) < (
                    $0.images, $1.reference ?? -1, $1.candidate ?? -1
                )
            }
    }

    /// The class of each image: the index of its largest logit.
    /// - Throws: `ModelError` if the tensor has no axis of images and one of classes.
    public static func predictions(_ logits: Tensor) throws -> [Int?] {
        let shape = logits.shape
        guard shape.rank >= 2, shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 }) else {
            throw ModelError("\(shape) values are no logits", advice: "expected images × classes")
        }
        let classes = shape[1]
        return logits.asFloat32().withElements(as: Float.self) { values in
            (0..<shape[0]).map { image in
                var best: Int?
                let row = values[(image * classes)..<(image + 1) * classes]
                for index in row.indices where !row[index].isNaN {
                    if let winner = best, row[index] <= row[winner] { continue }
                    best = index
                }
                return best.map { $0 - row.startIndex }
            }
        }
    }

    /// In 0…1; nil if no image has a label.
    public var referenceTop1: Double? { share(referenceCorrect, of: labelledCount) }
    /// The share that the candidate classifies correctly, in 0…1; nil without labels.
    public var candidateTop1: Double? { share(candidateCorrect, of: labelledCount) }
    /// The share of images that both put into the same class, in 0…1; nil if there is no image.
    public var agreement: Double? { share(agreeingCount, of: imageCount) }

    private func share(_ count: Int, of total: Int) -> Double? { total == 0 ? nil : Double(count) / Double(total) }
}
