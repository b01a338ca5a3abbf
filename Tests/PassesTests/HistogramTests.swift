import TensorCore
import TestSupport
import Testing

@testable import Passes

/// Histograms as MXNet's combine_histogram makes them with NumPy; the expected counts were printed by MXNet 1.9.1.
struct HistogramTests {
    private static func histogram(_ batches: [[Float]]) -> Histogram {
        var histogram = batches[0].withUnsafeBufferPointer { Histogram($0) }
        for batch in batches.dropFirst() { batch.withUnsafeBufferPointer { histogram.add($0) } }
        return histogram
    }

    private static func filled(_ histogram: Histogram) -> [Int: Int] {
        Dictionary(
            uniqueKeysWithValues: histogram.counts.enumerated().filter { $0.element > 0 }.map {
                ($0.offset, $0.element)
            })
    }

    static let batches: [[Float]] = [[-1, -0.5, 0, 0.25, 1], [0.1, 1.0001, -0.7], [2, -3, 0.3], [0.3, 2.9]]

    /// 8001 bins over ±1: −0.5 falls into bin ⌊0.5 · 8001 / 2⌋ = 2000; the last edge belongs to the last bin.
    @Test func theFirstBatchSetsTheBins() {
        let histogram = Self.histogram([Self.batches[0]])
        #expect(histogram.counts.count == 8001 && histogram.threshold == 1)
        #expect(Self.filled(histogram) == [0: 1, 2000: 1, 4000: 1, 5000: 1, 8000: 1])
        #expect(histogram.edges.first == -1 && histogram.edges.last == 1 && histogram.edges.count == 8002)
    }

    @Test func laterBatchesAddWholeBinsOnBothSides() {
        let second = Self.histogram(Array(Self.batches[...1]))
        #expect(second.counts.count == 8003 && second.threshold == 1.0002499687539057)
        #expect(Self.filled(second) == [1: 1, 1201: 1, 2001: 1, 4001: 1, 4401: 1, 5001: 1, 8001: 1, 8002: 1])
        let all = Self.histogram(Self.batches)
        #expect(all.counts.count == 24005 && all.threshold == 3.0002499687539057)
        #expect(
            Self.filled(all) == [
                1: 1, 8002: 1, 9202: 1, 10002: 1, 12002: 1, 12402: 1, 13002: 1, 13202: 2, 16002: 1, 16003: 1, 20003: 1,
                23603: 1,
            ])
        #expect(all.range == ValueRange(-3, 2.9))
    }

    /// NumPy spreads an empty range to ±0.5: everything falls into the middle.
    @Test func zerosFallIntoTheMiddle() {
        #expect(Self.filled(Self.histogram([[0, 0, 0]])) == [4000: 3])
    }

    static let sequences = [
        "gaussian", "laplacian", "relu", "creeping", "last_bits", "whole_steps", "halves", "shrinking", "eightfold",
        "tiny",
        "huge",
    ]

    /// Sequences of batches that widen the histogram by bits, by whole bins and many times: every count and the last bit of
    /// the threshold are those of MXNet's combine_histogram.
    @Test(arguments: sequences) func widensAsMXNet(_ name: String) throws {
        let (histogram, theirs) = try Self.kept(name)
        #expect(histogram.counts == theirs.counts)
        #expect(histogram.threshold == theirs.threshold && histogram.range == theirs.range)
        #expect(!histogram.isCoarse)
    }

    private static func kept(_ name: String) throws -> (ours: Histogram, theirs: Histogram) {
        let archive = try NumPyArchive(Fixtures.path("calibration/widening.npz"))
        let batches = try (0...).lazy.map { "\(name)|batch\($0)" }.prefix { archive.contains($0) }.map {
            try archive.tensor(named: $0).elements(as: Float.self)
        }
        let meta = try archive.tensor(named: name + "|meta").elements(as: Double.self)
        let theirs = Histogram(
            counts: try archive.tensor(named: name + "|hist").asInts(), threshold: meta[4],
            range: ValueRange(Float(meta[2]), Float(meta[3])))
        return (histogram(batches), theirs)
    }

    /// MXNet makes 960,001 bins of it. Ours are wider by a whole number, and hold what those of MXNet hold.
    @Test func beyondTheLimitNeighboursBecomeOneBin() throws {
        let (histogram, theirs) = try Self.kept("hundredfold")
        #expect(theirs.counts.count > 900_000 && histogram.counts.count <= Histogram.maximumBins)
        #expect(histogram.isCoarse && histogram.range == theirs.range)
        let width = (histogram.step / theirs.step).rounded()
        #expect(abs(histogram.step / theirs.step - width) < 1e-6 && Int(width) % 2 == 1)
        var joined = [Int](repeating: 0, count: histogram.counts.count)
        for (index, count) in theirs.counts.enumerated() where count > 0 {
            let distance = Double(index - theirs.counts.count / 2)
            joined[histogram.counts.count / 2 + Int((distance / width).rounded())] += count
        }
        #expect(joined == histogram.counts)
    }

    /// Where MXNet divides by zero or asks for more bins than memory holds: the first batch is in the middle bin.
    @Test(arguments: [[0, 0], [1e-30, -1e-30]] as [[Float]]) func aMuchLargerBatchWidensTheBins(_ small: [Float]) {
        let histogram = Self.histogram([small, [1e30, -1e30]])
        #expect(histogram.counts.count == Histogram.initialBins && histogram.threshold == Double(Float(1e30)))
        #expect(Self.filled(histogram) == [0: 1, 4000: 2, 8000: 1])
        #expect(histogram.range == ValueRange(-1e30, 1e30))
        #expect(histogram.isCoarse == (small[0] != 0))
    }

    /// Shards whose first batches reach equally far: the same counts as one run, but for the 1 of the second first batch. It
    /// lies on an edge, and the last bin holds its right edge, which others do not.
    @Test func shardsOfEquallyWideBinsAreMerged() {
        let shards: [[[Float]]] = [[[-1, 0.2, 0.4], [0.3, 1.7]], [[1, -0.3], [-2.2, 0.9, 0.1]]]
        var merged = Self.histogram(shards[0])
        let isExact = merged.merge(Self.histogram(shards[1]))
        #expect(isExact)
        let one = Self.histogram(shards.flatMap { $0 })
        #expect(merged.counts.count == one.counts.count && merged.range == one.range)
        #expect(zip(merged.counts, one.counts).reduce(0) { $0 + abs($1.0 - $1.1) } <= 2)
        #expect(abs(merged.threshold - one.threshold) < 1e-12)
    }

    /// Others move by less than a bin: half a bin of theirs and half of ours.
    @Test func otherShardsAreMergedByCentres() {
        var merged = Self.histogram([[-1, 0.5]])
        let isExact = merged.merge(Self.histogram([[3, 0.7]]))
        #expect(!isExact)
        #expect(merged.counts.reduce(0, +) == 4 && merged.range == ValueRange(-1, 3))
        for value in [-1, 0.5, 3, 0.7] {
            let bin = Int((value + merged.threshold) / merged.step)
            #expect(merged.counts[max(0, bin - 2)...min(bin + 2, merged.counts.count - 1)].contains(1), "\(value)")
        }
    }

    /// Two extremes a value, or its bins: what is kept does not depend on how many batches there were.
    @Test(arguments: [false, true]) func whatIsKeptDoesNotGrowWithTheBatches(_ keepsHistograms: Bool) {
        func kept(after batches: Int) -> Int {
            var statistics = CalibrationStatistics(keepsHistograms: keepsHistograms)
            for number in 0..<batches {
                for name in ["data", "conv"] {
                    [Float(number % 7), -7, 7].withUnsafeBufferPointer { statistics.add($0, of: name) }
                }
            }
            return statistics.numbersKept
        }
        #expect(kept(after: 1) == 2 * (keepsHistograms ? 2 + Histogram.initialBins : 2))
        #expect(kept(after: 200) == kept(after: 1))
    }

    @Test func whatIsNotANumberIsNotCounted() {
        let histogram = Self.histogram([[.nan, 1, -1], [.nan, 0.25]])
        #expect(histogram.counts.reduce(0, +) == 3)
        #expect(histogram.range == ValueRange(-1, 1))
        #expect(Self.histogram([[1], [.infinity]]).range.max == .infinity)
        #expect(Self.histogram([[]]).counts.reduce(0, +) == 0)
    }
}

/// Thresholds that MXNet's _contrib_calibrate_entropy found for small histograms, and one by hand.
struct EntropyThresholdTests {
    static let cases: [(counts: [Int], limit: Double, codeBins: Int, threshold: Float)] = [
        // By hand: the window of 3 bins diverges by 2.015, that of all 5 by 0.0425.
        ([0, 1, 2, 1, 0], 1, 3, 1),
        ([1, 0, 50, 100, 50, 0, 0], 1, 3, 1),
        ([1, 0, 0, 0, 20, 60, 100, 60, 20, 0, 0, 0, 1], 1.3, 5, 1.1),
        ([3, 0, 0, 0, 0, 0, 30, 60, 100, 200, 100, 60, 30, 0, 0, 0, 0, 0, 3], 1.9, 5, 1.1),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 100, 60, 30, 20, 10, 5, 3, 2, 1], 1.9, 5, 1.1),
        (laplacian, 1.01, 15, 0.67),
        (laplacian, 1.01, 31, 0.69),
    ]
    /// ⌊1000 · exp(−|x| / 6) + ½⌋ for x = −50…50; half of it, from 0 on, mirrored.
    static let laplacian: [Int] = {
        let half = [
            1000, 846, 717, 607, 513, 435, 368, 311, 264, 223, 189, 160, 135, 115, 97, 82, 69, 59, 50, 42, 36, 30, 26,
            22, 18, 16,
            13, 11, 9, 8, 7, 6, 5, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
        ]
        return half.dropFirst().reversed() + half
    }()

    @Test(arguments: cases) func thresholdsAreMXNets(
        _ example: (counts: [Int], limit: Double, codeBins: Int, threshold: Float)
    ) {
        let histogram = Histogram(counts: example.counts, threshold: example.limit, range: ValueRange(-1, 1))
        for search in [EntropyThreshold.Search.exact, .mxnet] {
            let threshold = EntropyThreshold(histogram, search: search).optimal(codeBins: example.codeBins)
            #expect(abs(threshold - example.threshold) < 1e-6, "\(search)")
        }
    }

    static let shapes = ["gaussian", "laplacian", "spike", "relu", "uniform"]

    /// Histograms of few values and of more than float32 can count: MXNet's thresholds to the last bit. In float64, a window
    /// of nearly the same divergence may win; its float32 divergence is hardly larger.
    @Test(arguments: shapes, ["2000", "1e+06", "2e+09"]) func thresholdsAreMXNetsToTheLastBit(
        _ shape: String, _ total: String
    ) throws {
        let archive = try NumPyArchive(Fixtures.path("calibration/thresholds.npz")), name = "\(shape)_\(total)"
        let counts = try archive.tensor(named: name + "|hist").asInts()
        let histogram = Histogram(counts: counts, threshold: 3, range: ValueRange(-3, 3))
        for codes in [255, 511] {
            let expected = try archive.tensor(named: "\(name)|threshold\(codes)").elements(as: Float.self)[0]
            #expect(EntropyThreshold(histogram, search: .mxnet).optimal(codeBins: codes) == expected, "\(codes)")
        }
    }

    /// Fewer bins than codes: nothing is cut off. An even number of bins has no middle one, and does no harm.
    @Test func smallHistogramsKeepTheirRange() {
        #expect(
            EntropyThreshold(Histogram(counts: [1, 2, 1], threshold: 2, range: ValueRange(-2, 2))).optimal(
                codeBins: 255) == 2)
        #expect(
            EntropyThreshold(Histogram(counts: [], threshold: 2, range: ValueRange(0, 0))).optimal(codeBins: 3) == 2)
        let even = Histogram(counts: [1, 5, 9, 9, 5, 1], threshold: 3, range: ValueRange(-3, 3))
        #expect(EntropyThreshold(even).optimal(codeBins: 3) <= 3)
    }

    /// uint8 only where nothing is negative, and where it is allowed.
    @Test func rangesStartAtZeroWhereNothingIsNegative() {
        func range(_ low: Float, _ unsigned: Bool) -> ValueRange {
            let small = Histogram(counts: [0, 0, 1, 1, 1], threshold: 1, range: ValueRange(low, 1))
            return EntropyThreshold(small).range(allowsUnsigned: unsigned)
        }
        #expect(range(0, true) == ValueRange(0, 1))
        #expect(range(0, false) == ValueRange(-1, 1))
        #expect(range(-0.1, true) == ValueRange(-1, 1))
    }
}
