import Foundation
import TensorCore
import Testing

@testable import Passes

/// Percentile, mean squared error and the choice between methods, on values whose answers are known.
struct RangeSearchTests {
    private static func histogram(_ values: [Float]) -> Histogram { values.withUnsafeBufferPointer { Histogram($0) } }

    private static func range(
        _ method: CalibrationMethod, _ values: [Float], _ change: (inout RangeSearch) -> Void = { _ in }
    )
        -> ValueRange?
    {
        var search = RangeSearch(method)
        change(&search)
        return search.choice(for: histogram(values))?.range
    }

    /// 1 … 1000: 99 % of them are at most 990, and a bin is 0.25 wide.
    @Test func percentileHoldsItsShare() throws {
        let values = (1...1000).map(Float.init)
        let range = try #require(Self.range(.percentile, values) { $0.percentile = 99 })
        #expect(range.min == 0 && range.max >= 990 && range.max < 990.25)
        let signed = try #require(Self.range(.percentile, values.map { -$0 }) { $0.percentile = 99 })
        #expect(signed.min == -signed.max && signed.max >= 990 && signed.max < 990.25)
        #expect(Self.range(.percentile, values) { $0.percentile = 100 } == ValueRange(0, 1000))
        let int8 = try #require(Self.range(.percentile, values) { $0.allowsUnsigned = false })
        #expect(int8.min == -int8.max)
    }

    /// N values of 1 and one of m, unsigned. Within a range t ≥ m, N + 1 values are off by t² / (12 · 255.5²) on average; a
    /// range of 1 loses (m − 1)² once. With N = 10,000, 1.05 is cut off, and of 30 no more than 30 · N / 783,363 = 0.38.
    @Test(arguments: [(1.05 as Float, true), (30, false)]) func mseCutsOffWhatIsRareAndNear(
        _ outlier: Float, _ cuts: Bool
    ) throws {
        let values = [Float](repeating: 1, count: 10_000) + [outlier]
        let range = try #require(Self.range(.mse, values))
        #expect((range.max < outlier * 0.98) == cuts, "\(range)")
    }

    /// On a grid of whole numbers: 0 … 255 in uint8, with MXNet's 255.5 over the range, are off by what bins round only.
    @Test func theErrorIsThatOfTheCodes() {
        let histogram = Self.histogram((0...255).map(Float.init))
        let exact = RangeError(ValueRange(0, 255.5), isUnsigned: true, of: histogram)
        #expect(exact.signalToNoise > 60 && exact.clipping == 0)
        // Cut at 127.75: 128 … 255 lose x − 127.75 (codes are 0.5 apart), Σ = 128·127.25 … in squares.
        let half = RangeError(ValueRange(0, 127.75), isUnsigned: true, of: histogram)
        let lost = (128...255).reduce(0.0) { $0 + (Double($1) - 127.5) * (Double($1) - 127.5) }
        let energy = (0...255).reduce(0.0) { $0 + Double($1 * $1) }
        #expect(abs(half.clipping - lost / energy) < 1e-3)
    }

    /// `best` names the method that it took, and its error is the smallest.
    @Test func bestTakesTheSmallestError() throws {
        // Most are small, a few large: entropy and percentile cut too much or too little.
        let values = (0..<20_000).map { Float(sin(Double($0))) * ($0 % 500 == 0 ? 8 : 1) }
        let choice = try #require(RangeSearch(.best).choice(for: Self.histogram(values)))
        #expect(choice.candidates.map(\.method) == [.naive, .entropy, .percentile, .mse])
        #expect(choice.candidates.allSatisfy { $0.error.noise >= choice.error.noise })
        #expect(
            choice.method != .best
                && choice.candidates.contains { $0.method == choice.method && $0.range == choice.range })
    }

    @Test func emptyAndConstantValuesHaveRanges() {
        for method in CalibrationMethod.allCases where method != .none {
            #expect(Self.range(method, [0, 0, 0])?.magnitude == 0, "\(method)")
            #expect(Self.range(method, [])?.magnitude == 0, "\(method)")
            // A bin less costs less than half a distance of codes.
            #expect(abs((Self.range(method, [2, 2])?.max ?? 0) - 2) < 0.001, "\(method)")
        }
        #expect(Self.range(.none, [1]) == nil)
    }
}
