import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Comparison

struct ComparisonReportTests {
    /// A reference of `signal` against `signal + noise`: SQNR is 20 · log10(signal / noise).
    static func row(_ name: String, signal: Float, noise: Float, codes: (Int8, Int8)? = nil) throws -> LayerComparison {
        var metrics = TensorMetrics()
        try metrics.add(reference: Tensor([signal]), candidate: Tensor([signal + noise]))
        var codeMetrics = CodeMetrics()
        if let codes { try codeMetrics.add(reference: Tensor([codes.0]), candidate: Tensor([codes.1])) }
        return LayerComparison(
            .init(reference: name + "_output", candidate: "q_" + name, origin: name), metrics,
            codes: codes == nil ? nil : codeMetrics)
    }

    /// ∞, 60, 40, 20 and 40 dB.
    static func layers() throws -> [LayerComparison] {
        [
            try row("data", signal: 1, noise: 0), try row("conv", signal: 1024, noise: 1.024, codes: (3, 1)),
            try row("relu", signal: 100, noise: 1), try row("add", signal: 10, noise: -1),
            try row("fc", signal: 100, noise: 1),
        ]
    }

    static func report() throws -> ComparisonReport {
        var classes = ClassificationMetrics()
        try classes.add(
            reference: Tensor([Float(0), 1, 1, 0], shape: [2, 2]),
            candidate: Tensor([Float(0), 1, 0, 1], shape: [2, 2]), labels: [1, 0])
        let alignment = LayerAlignment(
            reference: [.init(value: "bn_output", origin: "bn")],
            candidate: [.init(value: "q_conv", origin: "conv", origins: ["bn", "conv"])])
        let layers = try layers()
        return ComparisonReport(
            reference: "float", candidate: "int8", samples: 2, outputs: [layers[4]], layers: layers,
            alignment: alignment, classification: classes, firstDivergence: .sqnr(below: 30))
    }

    /// A row with everything that can be measured.
    static func detailedRow() throws -> LayerComparison {
        var row = try row("conv", signal: 10, noise: 1, codes: (3, 1))
        row.referenceType = "float32"
        row.candidateType = "int8"
        row.local = ErrorSummary(TensorMetrics())
        row.steps = StepHistogram(step: 0.5)
        row.saturation = Saturation(atLowest: 0, atHighest: 0.25, clippedBelow: 0, clippedAbove: 0.125)
        row.channels = DeadChannels(count: 2, dead: [1], deadInReference: [])
        return row
    }

    // MARK: First divergence

    @Test func theFirstLayerBelowALimit() throws {
        let layers = try Self.layers()
        let first = try #require(FirstDivergence.find(in: layers, .sqnr(below: 50)))
        #expect(first.origin == "relu" && first.index == 2)
        #expect(first.reason == "SQNR is 40.0 dB, below 50.0 dB")
        #expect(FirstDivergence.find(in: layers, .sqnr(below: 5)) == nil)
        let large = try #require(FirstDivergence.find(in: layers, .difference(above: 1.01)))
        #expect(large.origin == "conv" && large.reason == "the largest difference is 1.024, above 1.01")
    }

    /// 60 → 45 loses 15 dB and 45 → 20 loses 25; the step from nothing to 60 does not count.
    @Test func theLargestDrop() throws {
        var layers = try Self.layers()
        layers[2].sqnr = 45
        #expect(FirstDivergence.find(in: layers, .largestDrop)?.origin == "add")
        #expect(FirstDivergence.find(in: layers, .largestDrop)?.reason == "SQNR falls from 45.0 dB to 20.0 dB")
        layers[2].sqnr = -.infinity
        #expect(FirstDivergence.find(in: layers, .largestDrop)?.origin == "relu")
        #expect(FirstDivergence.find(in: Array(layers.prefix(2)), .largestDrop) == nil)
    }

    // MARK: Limits

    @Test func limitsThatAreKept() throws {
        let limits = ComparisonLimits(maximumDifference: 1, minimumSQNR: 39.9, minimumTop1: 0.5)
        #expect(limits.violations(of: try Self.report()) == [])
        #expect(ComparisonLimits().violations(of: try Self.report()) == [])
    }

    @Test func limitsThatAreExceeded() throws {
        let limits = ComparisonLimits(maximumDifference: 0.5, minimumSQNR: 40.5, minimumTop1: 0.98)
        #expect(
            limits.violations(of: try Self.report()) == [
                "Output 'q_fc' differs by 1; 0.5 is the limit.",
                "Output 'q_fc' has an SQNR of 40.0 dB; at least 40.5 dB is asked.",
                "Top-1 is 50.00 %; at least 98.00 % is asked.",
            ])
    }

    @Test func whatWasNotMeasuredIsNotKept() {
        let report = ComparisonReport(reference: "a", candidate: "b", samples: 0, outputs: [])
        let limits = ComparisonLimits(maximumDifference: 1, minimumTop1: 0.5)
        #expect(limits.violations(of: report).count == 2)
    }

    // MARK: The report

    @Test func theReportSumsUp() throws {
        let report = try Self.report()
        #expect(report.firstDivergence?.origin == "add" && report.worstLayer == "add")
        #expect(report.classification?.referenceTop1 == 1 && report.classification?.candidateTop1 == 0.5)
        #expect(report.classification?.agreement == 0.5)
    }

    @Test func jsonKeepsInfinities() throws {
        let report = try Self.report()
        let json = try report.json()
        #expect(String(decoding: json, as: UTF8.self).contains(#""sqnr" : "inf""#))
        #expect(try ComparisonReport(json: json) == report)
    }

    @Test func jsonFollowsItsSchema() throws {
        let checker = try SchemaChecker(file: "diff.schema.json")
        var full = try Self.report()
        full.layers = [try Self.detailedRow()]
        full.weights = [
            try WeightComparison(
                origin: "fc", names: ("fc", "q_fc"), reference: Tensor([Float(1)], shape: [1, 1]),
                candidate: Tensor([Float(1)], shape: [1, 1]), steps: [0.5])
        ]
        full.structure = StructuralDiff(StructuralDiffTests.float, StructuralDiffTests.int8)
        full.change = ReportChange(from: try Self.report(), to: full)
        #expect(try checker.problems(in: full.json()) == [])
        #expect(try ComparisonReport(json: full.json()) == full)
        let bare = ComparisonReport(reference: "a", candidate: "b", samples: 0, outputs: [])
        #expect(try checker.problems(in: Self.report().json()) == [])
        #expect(try checker.problems(in: bare.json()) == [])
    }

    /// The checker itself notices what is wrong.
    @Test func theSchemaRefusesOtherThings() throws {
        let checker = try SchemaChecker(file: "diff.schema.json")
        let wrong = #"{"reference": 1, "candidate": "b", "samples": 0.5, "outputs": [{}], "layers": [], "more": 1}"#
        let problems = try checker.problems(in: Data(wrong.utf8))
        for place in ["$.reference", "$.samples", "$.more", "$.outputs[0].sqnr", "$.unmatchedCandidate"] {
            #expect(problems.contains { $0.hasPrefix(place + " ") }, "\(place)")
        }
    }

    @Test func theTextTellsWhatIsLocalAndClipped() throws {
        #expect(
            ComparisonText.table(of: [try Self.detailedRow()], "layer", \.origin) == """
                layer  max diff  mean diff  SQNR dB  local dB    cosine  codes off  LSB  clipped
                -----  --------  ---------  -------  --------  --------  ---------  ---  -------
                conv          1          1     20.0         ∞  1.000000   100.00 %    2  12.50 %

                """)
    }

    /// conv had 60 dB and has 20, add is gone, fc had 40 and has 40.
    @Test func whatHasChangedSince() throws {
        var now = try Self.report()
        now.layers = [try Self.detailedRow(), now.layers[4]]
        let change = ReportChange(from: try Self.report(), to: now)
        #expect(change.layers.map(\.name) == ["conv", "fc", "data", "relu", "add"])
        #expect(change.layers[1].gain == 0 && change.layers[4].after == nil && change.layers[2].gain == nil)
        #expect(abs((change.layers[0].gain ?? 0) + 40) < 1e-3 && change.top1Before == 0.5)
    }

    @Test func theTextLinesUp() throws {
        #expect(
            ComparisonText.text(of: try Self.report()) == """
                reference  float
                candidate  int8
                samples    2

                layer  max diff  mean diff  SQNR dB    cosine  codes off  LSB
                -----  --------  ---------  -------  --------  ---------  ---
                data          0          0        ∞  1.000000
                conv      1.024      1.024     60.0  1.000000   100.00 %    2
                relu          1          1     40.0  1.000000
                add           1          1     20.0  1.000000
                fc            1          1     40.0  1.000000

                inside fused layers of the other: 1 of the reference
                only in the candidate: q_conv

                output  max diff  mean diff  SQNR dB    cosine
                ------  --------  ---------  -------  --------
                q_fc           1          1     40.0  1.000000

                reference says  candidate says  images
                --------------  --------------  ------
                             0               1       1

                top-1             100.00 % → 50.00 %
                agreement         50.00 % of 2 images
                first divergence  add: SQNR is 20.0 dB, below 30.0 dB
                worst layer       add: SQNR is 20.0 dB

                """)
    }
}
