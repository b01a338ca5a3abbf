import TensorCore
import Testing

@testable import Comparison

/// What is measured of single layers; all expected values are worked out by hand.
struct LayerMeasureTests {
    // MARK: Steps

    /// Of a step of 0.5: differences of 0, 0.2, −0.3, 0.5, −1, 10 and NaN are 0, 0, −1, 1, −2, 8 (and more) and 8 steps.
    @Test func errorsAreCountedInSteps() throws {
        var histogram = StepHistogram(step: 0.5)
        try histogram.add(
            reference: Tensor([Float](repeating: 1, count: 7)), candidate: Tensor([1, 1.2, 0.7, 1.5, 0, 11, .nan]))
        #expect(histogram.first == -8 && histogram.counts.count == 17)
        #expect(histogram.counts == [0, 0, 0, 0, 0, 0, 1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 2])
        #expect(histogram.share(-1...1) == 4.0 / 7)
    }

    // MARK: Saturation

    /// On a grid of 0.1 per code, 127 is 12.7: 12.74 rounds to it, 13 is beyond. −127 likewise.
    @Test func clippedIsWhatTheReferenceHasBeyondTheEnd() throws {
        var saturation = SaturationMetrics()
        let codes: [Int8] = [127, 127, 126, -127, -128, 0]
        try saturation.add(
            codes: Tensor(codes), values: Tensor(codes.map { Float($0) * 0.1 }),
            reference: Tensor([12.74, 13, 13, -12.7, -20, 0]), step: 0.1)
        #expect(
            saturation.shares
                == Saturation(
                    atLowest: 2.0 / 6, atHighest: 2.0 / 6, clippedBelow: 1.0 / 6, clippedAbove: 1.0 / 6))
    }

    /// After a ReLU zeros are no saturation.
    @Test func zerosOfUnsignedCodesAreNotClipped() throws {
        var saturation = SaturationMetrics()
        try saturation.add(
            codes: Tensor([UInt8(0), 0, 255, 1]), values: Tensor([Float(0), 0, 255, 1]),
            reference: Tensor([Float(0), -3, 300, 1]), step: 1)
        #expect(saturation.shares == Saturation(atLowest: 0.5, atHighest: 0.25, clippedBelow: 0.25, clippedAbove: 0.25))
    }

    // MARK: Channels

    /// Two samples of three channels of two elements: channel 1 is zero in both models, channel 2 in the candidate only.
    @Test func channelsAreDeadIfTheyAreZeroForAllData() throws {
        var activity = ChannelActivity()
        try activity.add(
            reference: Tensor([Float(1), 0, 0, 0, 0, 0], shape: [1, 3, 2]),
            candidate: Tensor([Float(1), 0, 0, 0, 0, 0], shape: [1, 3, 2]))
        try activity.add(
            reference: Tensor([Float(0), 0, 0, 0, 0, 0.1], shape: [1, 3, 2]),
            candidate: Tensor([Float(0), 0, 0, 0, 0, 0], shape: [1, 3, 2]))
        let summary = try #require(activity.summary)
        #expect(summary == DeadChannels(count: 3, dead: [1, 2], deadInReference: [1]) && summary.lost == [2])
    }

    @Test func aVectorHasNoChannels() throws {
        var activity = ChannelActivity()
        try activity.add(reference: Tensor([Float(1), 0]), candidate: Tensor([Float(0), 0]))
        #expect(activity.summary == nil)
    }

    // MARK: Weights

    /// Channel 0 is exact; channel 1 has (3, 4) against (3, 4.5): 10 · log10(25 / 0.25) = 20 dB. Together
    /// 10 · log10((25 + 1) / 0.25) = 20.17 dB.
    @Test func weightsAreComparedChannelByChannel() throws {
        let comparison = try WeightComparison(
            origin: "conv", names: ("conv", "quantized_conv"), reference: Tensor([Float(1), 0, 3, 4], shape: [2, 2]),
            candidate: Tensor([Float(1), 0, 3, 4.5], shape: [2, 2]), steps: [1, 0.5])
        #expect(abs(comparison.error.sqnr - 20.17) < 0.01)
        #expect(comparison.channels.map(\.sqnr) == [.infinity, 20])
        #expect(comparison.channels[1].referenceRange == [3, 4] && comparison.channels[1].candidateRange == [3, 4.5])
        #expect(comparison.channels.map(\.step) == [1, 0.5] && comparison.worstChannels.map(\.index) == [1, 0])
    }
}
