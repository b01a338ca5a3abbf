import Foundation
import TensorCore

/// What a tuning found; times are for one batch.
public struct TuningResult: Sendable {
    public struct Layer: Sendable {
        public var name: String
        /// The SQNR of the outputs when this layer alone is in float, or alone in int8, in dB.
        public var sqnr: Double
        public var floatDuration: Duration?
        public var int8Duration: Duration?
        public var staysFloat: Bool
        /// How the range of its result was chosen.
        public var method: String
    }

    public struct Point: Sendable {
        public var trial: TuningTrial
        /// By the profile of the layers; nil if nothing could be profiled.
        public var duration: Duration?
        public var isChosen: Bool
    }

    public var goal: TuningGoal
    /// Whether the chosen trial meets it.
    public var isMet: Bool
    public var samples: Int
    public var referenceTop1: Double?
    public var sensitivity: TuningSensitivity
    /// Why it was measured so: a sentence.
    public var sensitivityReason: String
    /// Everything in int8, by the method that chose the ranges.
    public var methods: [Point]
    /// In the order of computation.
    public var layers: [Layer]
    /// The trials that no other beats in both accuracy and time, the fastest first.
    public var frontier: [Point]
    public var chosen: Point
    public var floatDuration: Duration?
    /// How many trials there were, and how many of them a journal had already.
    public var trials: Int
    public var resumed: Int
    /// The tuned model, and the ranges that it was made with.
    public var model: Model
    /// The layers in float, with the nodes that follow them: what `excludedNames` of a recipe takes.
    public var exclusions: [String]
    public var table: RangeTable

    public var excluded: [String] { chosen.trial.configuration.excluded }

    /// The layers that stay in float as text: a name a line, `#` begins a comment.
    public func exclusionText(of modelName: String) -> String {
        let measured = [
            "SQNR \(chosen.trial.sqnr.formattedTenths) dB",
            chosen.trial.top1.map { "top-1 \(($0 * 100).formattedTenths) %" },
        ].compactMap { $0 }.joined(separator: ", ")
        let header = [
            "# Nodes of \(modelName) that stay in float, found by requant tune: \(measured).",
            "# Use it with: requant quantize … --exclude-list FILE",
        ]
        return (header + exclusions).joined(separator: "\n") + "\n"
    }
}

extension Double {
    fileprivate var formattedTenths: String { String(format: "%.1f", self) }
}
