import TensorCore
import Testing

@testable import Comparison

/// What of the data two models part on; worked out by hand.
struct SampleComparisonTests {
    /// Logits of three classes whose largest is that of `classes`.
    static func logits(_ classes: [Int]) -> Tensor {
        Tensor(classes.flatMap { winner in (0..<3).map { Float($0 == winner ? 1 : 0) } }, shape: [classes.count, 3])
    }

    /// Labels 0 0 1 2 2, the reference says 0 1 1 2 2, the candidate 0 2 1 0 2.
    static func metrics() throws -> ClassificationMetrics {
        var metrics = ClassificationMetrics()
        try metrics.add(reference: logits([0, 1]), candidate: logits([0, 2]), labels: [0, 0])
        try metrics.add(reference: logits([1, 2, 2]), candidate: logits([1, 0, 2]), labels: [1, 2, 2])
        return metrics
    }

    @Test func classesAreCountedByWhatTheReferenceSays() throws {
        #expect(
            try Self.metrics().classes == [
                ClassComparison(
                    index: 0, images: 1, agreeing: 1, labelled: 2, referenceCorrect: 1, candidateCorrect: 1),
                ClassComparison(
                    index: 1, images: 2, agreeing: 1, labelled: 1, referenceCorrect: 1, candidateCorrect: 1),
                ClassComparison(
                    index: 2, images: 2, agreeing: 1, labelled: 2, referenceCorrect: 2, candidateCorrect: 1),
            ])
    }

    @Test func withoutLabelsOnlyAgreementIsKnown() throws {
        var metrics = ClassificationMetrics()
        try metrics.add(reference: Self.logits([2, 2]), candidate: Self.logits([2, 0]), labels: nil)
        #expect(
            metrics.classes == [
                ClassComparison(
                    index: 2, images: 2, agreeing: 1, labelled: nil, referenceCorrect: nil, candidateCorrect: nil)
            ])
    }

    @Test func theConfusionOfTheTwoModels() throws {
        var metrics = try Self.metrics()
        try metrics.add(reference: Self.logits([2]), candidate: Self.logits([0]), labels: [2])
        #expect(
            metrics.disagreements == [
                Disagreement(reference: 2, candidate: 0, images: 2),
                Disagreement(reference: 1, candidate: 2, images: 1),
            ])
    }

    /// Samples of 1 whose candidate is 1 + e have an SQNR of −20 · log10(e): the worst two of 0.1, 0, 0.5 and 0.01 are the
    /// third and the first.
    @Test func theWorstSamplesAreKept() throws {
        var worst = WorstSamples(limit: 2)
        let ones = Tensor([Float(1), 1], shape: [2, 1])
        for (start, errors) in [(0, [Float(0.1), 0]), (2, [0.5, 0.01])] {
            try worst.add(
                references: [ones], candidates: [Tensor(errors.map { 1 + $0 }, shape: [2, 1])], start..<start + 2,
                labels: [7, 8]
            ) { "image \($0)" }
        }
        #expect(worst.samples.map(\.index) == [2, 0] && worst.samples.map(\.name) == ["image 2", "image 0"])
        #expect(worst.samples.map(\.label) == [7, 7] && worst.samples[0].maximumDifference == 0.5)
        #expect(abs(worst.samples[0].sqnr - 6.02) < 0.01 && abs(worst.samples[1].sqnr - 20) < 0.01)
    }

    /// Outputs that do not have the samples on their first axis cannot tell them apart.
    @Test func outputsWithoutAnAxisOfSamplesAreLeftOut() throws {
        var worst = WorstSamples()
        try worst.add(
            references: [Tensor([Float(1)], shape: [1])], candidates: [Tensor([Float(2)], shape: [1])], 0..<2,
            labels: nil
        ) { _ in nil }
        #expect(worst.samples.isEmpty)
    }
}
