import ArgumentParser
import Requant

/// How ranges are found.
struct CalibrationOptions: ParsableArguments {
    @Option(
        name: [.customLong("calibrate"), .customLong("method")],
        help: "How ranges are found: not at all, the extremes, or the least loss of information. (default: entropy if there is data, else none)")
    var method: CalibrationMethod?

    @Option(
        name: .customLong("calibrate-layer"),
        help: ArgumentHelp(
            "Only values whose names match are calibrated; the others find their ranges in each run.",
            valueName: "regex"))
    var layers: String?

    func validate() throws {
        if let layers, (try? Regex(layers)) == nil {
            throw ValidationError("'\(layers)' is no regular expression.")
        }
    }

    /// Whether a value is to be calibrated; nil for all.
    var filter: (@Sendable (String) -> Bool)? {
        guard let pattern = layers else { return nil }
        // A Regex cannot be shared between threads, so each call makes its own.
        return { name in
            guard let regex = try? Regex(pattern) else { return false }
            return name.contains(regex)
        }
    }
}

extension CalibrationMethod: ExpressibleByArgument {}
