import Foundation
import Passes

/// One way to quantize a model, and what it does to the outputs.
public struct TuningTrial: Sendable, Equatable, Codable {
    /// What is tried: which layers stay in float, and how ranges are found.
    public struct Configuration: Sendable, Hashable, Codable {
        /// How ranges are chosen.
        public var method: String
        /// Values whose ranges are chosen otherwise.
        public var overrides: [String: String]
        /// The layers that stay in float, sorted.
        public var excluded: [String]

        init(
            _ method: CalibrationMethod, overrides: [String: CalibrationMethod] = [:],
            excluded: some Sequence<String> = []
        ) {
            self.method = method.rawValue
            self.overrides = overrides.mapValues(\.rawValue)
            self.excluded = excluded.sorted()
        }

        func excluding(_ layers: some Sequence<String>) -> Configuration {
            var configuration = self
            configuration.excluded = layers.sorted()
            return configuration
        }
    }

    /// What was tried.
    public var configuration: Configuration
    /// The lowest of all outputs, in dB.
    public var sqnr: Double
    /// In 0…1; nil without labels.
    public var top1: Double?

    /// Noise over signal; what layers add to it adds up, as long as it is small.
    var noise: Double { sqnr == .infinity ? 0 : pow(10, -sqnr / 10) }
}
