import Foundation
import TensorCore

/// What a tuning found; times are for one batch.
public struct TuningResult: Sendable {
    /// What was found of one layer.
    public struct Layer: Sendable {
        /// The node of the float model.
        public var name: String
        /// The SQNR of the outputs when this layer alone is in float, or alone in int8, in dB.
        public var sqnr: Double
        /// What it takes in float; nil without a profile.
        public var floatDuration: Duration?
        /// What it takes in int8; nil without a profile.
        public var int8Duration: Duration?
        /// Whether the chosen model has it in float.
        public var staysFloat: Bool
        /// How the range of its result was chosen.
        public var method: String
    }

    /// A model on the frontier of accuracy and speed.
    public struct Point: Sendable {
        /// What it reached.
        public var trial: TuningTrial
        /// By the profile of the layers; nil if nothing could be profiled.
        public var duration: Duration?
        /// Whether it is the one that was written.
        public var isChosen: Bool
    }

    /// What was asked for.
    public var goal: TuningGoal
    /// Whether the chosen trial meets it.
    public var isMet: Bool
    /// How many trials are measured on.
    public var samples: Int
    /// Of the float model, in 0…1; nil without labels.
    public var referenceTop1: Double?
    /// How it was measured.
    public var sensitivity: TuningSensitivity
    /// Why it was measured so: a sentence.
    public var sensitivityReason: String
    /// Everything in int8, by the method that chose the ranges.
    public var methods: [Point]
    /// In the order of computation.
    public var layers: [Layer]
    /// The trials that no other beats in both accuracy and time, the fastest first.
    public var frontier: [Point]
    /// The model with the fewest layers in float that meets the goal, or comes nearest.
    public var chosen: Point
    /// What the float model takes; nil without a profile.
    public var floatDuration: Duration?
    /// How many trials there were, and how many of them a journal had already.
    public var trials: Int
    /// Trials whose result was known from an earlier run.
    public var resumed: Int
    /// The tuned model, and the ranges that it was made with.
    public var model: Model
    /// The layers in float, with the nodes that follow them: what `excludedNames` of a recipe takes.
    public var exclusions: [String]
    /// The ranges of the chosen model.
    public var table: RangeTable

    /// The layers that the chosen model has in float.
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
