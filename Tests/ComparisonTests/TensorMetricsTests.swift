import Comparison
import TensorCore
import Testing

/// Numbers small enough to work out by hand.
struct TensorMetricsTests {
    private func metrics(_ batches: ([Float], [Float])...) throws -> TensorMetrics {
        var metrics = TensorMetrics()
        for (reference, candidate) in batches {
            try metrics.add(reference: Tensor(reference), candidate: Tensor(candidate))
        }
        return metrics
    }

    /// Σ r² = 30, Σ x² = 39, Σ r·x = 34, Σ (r − x)² = 1.
    @Test func oneElementOfFourDiffersByOne() throws {
        let metrics = try metrics(([1, 2, 3, 4], [1, 2, 3, 5]))
        #expect(metrics.elementCount == 4)
        #expect(metrics.maximumDifference == 1)
        #expect(metrics.meanDifference == 0.25)
        #expect(abs(metrics.sqnr - 14.771_212_547) < 1e-9)
        #expect(abs(metrics.cosine - 0.994_000) < 1e-6)
        #expect(metrics.differingShare == 0.25)
    }

    @Test func aTenthOfTheSignalIsTwentyDecibels() throws {
        #expect(abs(try metrics(([10, -10], [11, -9])).sqnr - 20) < 1e-12)
    }

    @Test func batchesAddUp() throws {
        #expect(
            try metrics(([1, 2], [1, 2]), ([3, 4], [3, 5])) == metrics(([1, 2, 3, 4], [1, 2, 3, 5])))
    }

    @Test func equalTensorsHaveNoNoise() throws {
        let metrics = try metrics(([1, -2, 0], [1, -2, 0]))
        #expect(metrics.sqnr == .infinity && metrics.cosine == 1)
        #expect(metrics.maximumDifference == 0 && metrics.differingShare == 0)
    }

    @Test func zerosHaveNoSignal() throws {
        #expect(try metrics(([0, 0], [0, 0])).cosine == 1)
        #expect(try metrics(([0, 0], [0, 0])).sqnr == .infinity)
        #expect(try metrics(([0, 0], [0, 1])).sqnr == -.infinity)
        #expect(try metrics(([0, 0], [0, 1])).cosine == 0)
        #expect(try metrics(([3], [-3])).cosine == -1)
    }

    @Test func nothingComparedIsNoDifference() {
        let metrics = TensorMetrics()
        #expect(metrics.meanDifference == 0 && metrics.sqnr == .infinity && metrics.differingShare == 0)
    }

    @Test func theSameNaNAndInfinityOnBothSidesAreEqual() throws {
        let metrics = try metrics(([.nan, .infinity, 1], [.nan, .infinity, 1]))
        #expect(metrics.sqnr == .infinity && metrics.nonFiniteCount == 0 && metrics.differingShare == 0)
    }

    @Test(arguments: [(Float.nan, Float(1)), (1, .nan), (.infinity, 1), (.infinity, -.infinity), (1, -.infinity)])
    func aNaNOrInfinityOnOneSideIsAnInfiniteDifference(reference: Float, candidate: Float) throws {
        let metrics = try metrics(([reference, 2], [candidate, 2]))
        #expect(metrics.nonFiniteCount == 1 && metrics.differingShare == 0.5)
        #expect(metrics.maximumDifference == .infinity && metrics.meanDifference == .infinity)
        #expect(metrics.sqnr == -.infinity)
        #expect(metrics.cosine == 1, "of the element that is finite")
    }

    @Test func typesMayDiffer() throws {
        var metrics = TensorMetrics()
        try metrics.add(reference: Tensor([Float(1), 2]), candidate: Tensor([Int32(1), 4]))
        #expect(metrics.maximumDifference == 2)
    }

    @Test func shapesMayNot() {
        var metrics = TensorMetrics()
        #expect { try metrics.add(reference: Tensor([Float(1), 2]), candidate: Tensor([Float(1)])) } throws: {
            "\($0)" == "the reference is 2 and the candidate 1."
        }
    }
}

struct CodeMetricsTests {
    @Test func stepsAreCounted() throws {
        var metrics = CodeMetrics()
        try metrics.add(reference: Tensor([Int8(-128), 0, 5, 127]), candidate: Tensor([Int8(127), 0, 4, 127]))
        #expect(metrics.differingShare == 0.5)
        #expect(metrics.largestStep == 255)
        let same = Tensor([Int8](repeating: 1, count: 4))
        try metrics.add(reference: same, candidate: same)
        #expect(metrics.differingShare == 0.25)
    }

    @Test func onlyCodesOfOneTypeCompare() throws {
        var metrics = CodeMetrics()
        try metrics.add(reference: Tensor([UInt8(250)]), candidate: Tensor([UInt8(255)]))
        #expect(metrics.largestStep == 5)
        let unsigned = Tensor([UInt8(1)]), signed = Tensor([Int8(1)]), float = Tensor([Float(1)])
        #expect(throws: ModelError.self) { try metrics.add(reference: unsigned, candidate: signed) }
        #expect(throws: ModelError.self) { try metrics.add(reference: float, candidate: float) }
    }
}

struct ClassificationMetricsTests {
    /// Three images of two classes: the reference says 1, 0, 0 (a tie), the candidate 1, 1, 0; the labels are 1, 0, 1.
    @Test func top1AndAgreement() throws {
        var metrics = ClassificationMetrics()
        try metrics.add(
            reference: Tensor([Float(0), 1, 3, 2, 5, 5], shape: [3, 2]),
            candidate: Tensor([Float(0), 1, 2, 3, 5, 4], shape: [3, 2]), labels: [1, 0, 1])
        #expect(metrics.referenceTop1 == 2.0 / 3 && metrics.candidateTop1 == 1.0 / 3 && metrics.agreement == 2.0 / 3)
    }

    @Test func withoutLabelsThereIsAgreementOnly() throws {
        var metrics = ClassificationMetrics()
        #expect(metrics.agreement == nil)
        let logits = Tensor([Float(0), 1], shape: [1, 2, 1, 1])
        try metrics.add(reference: logits, candidate: logits, labels: nil)
        #expect(metrics.referenceTop1 == nil && metrics.agreement == 1)
    }

    @Test func nanNeverWins() throws {
        let logits = Tensor([Float.nan, -2, -1, .nan, .nan, .nan], shape: [2, 3])
        #expect(try ClassificationMetrics.predictions(logits) == [2, nil])
    }

    @Test func whatIsNoLogitsIsRefused() {
        var metrics = ClassificationMetrics()
        let logits = Tensor([Float(0), 1], shape: [1, 2])
        #expect(throws: ModelError.self) { try ClassificationMetrics.predictions(Tensor([Float(1)])) }
        #expect(throws: ModelError.self) { try metrics.add(reference: logits, candidate: logits, labels: [1, 2]) }
    }
}
