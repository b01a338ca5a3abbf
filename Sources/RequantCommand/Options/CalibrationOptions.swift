import ArgumentParser
import Passes
import Requant

/// How ranges are found.
struct CalibrationOptions: ParsableArguments {
    @Option(
        name: [.customLong("calibrate"), .customLong("method")],
        help: ArgumentHelp(
            "How ranges are found: not at all, the extremes, the least loss of information, a share of all values, the least "
                + "squared error, or for each value the best of these. (default: entropy if there is data, else none)"))
    var method: CalibrationMethod?

    @Option(
        help: ArgumentHelp(
            "The share of all values that a range of --calibrate percentile holds.", valueName: "percent"))
    var percentile: Double?

    @Option(
        name: .customLong("calibrate-layer"),
        help: ArgumentHelp(
            "Only values whose names match are calibrated; the others find their ranges in each run.",
            valueName: "regex"))
    var layers: String?

    @Option(
        help: ArgumentHelp(
            "Goes on from the histograms that --write-histograms wrote, as if their data came first.", valueName: "npz"),
        completion: .archive)
    var histograms: String?

    @Option(
        help: ArgumentHelp("Writes the histograms, for --histograms and calibrate --merge.", valueName: "npz"),
        completion: .archive)
    var writeHistograms: String?

    @Flag(
        name: .customLong("mxnet-compat"),
        help:
            "Entropy finds MXNet 1.9.1's thresholds to the last bit; fuses what it fuses even where the numbers change."
    )
    var mxnetCompat = false

    @Flag(help: "Says which method chose each range, and what it does to the values.")
    var explain = false

    func validate() throws {
        if let percentile {
            guard percentile > 0, percentile <= 100 else {
                throw ValidationError("--percentile is above 0 and at most 100, not \(percentile).")
            }
            guard method == .percentile || method == .best else {
                throw ValidationError("--percentile belongs to --calibrate percentile and --calibrate best.")
            }
        }
        for (option, isGiven) in [("--histograms", histograms != nil), ("--write-histograms", writeHistograms != nil)]
        where isGiven && method.map({ !$0.needsHistograms }) ?? false {
            throw ValidationError(
                "\(option) has no use for the method \(method?.rawValue ?? "none"), which keeps no histograms.")
        }
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

extension CalibrationOptions {
    /// Sets what the options say; the method is the caller's.
    func apply(to recipe: inout QuantizationRecipe) throws {
        recipe.layerFilter = filter
        recipe.percentile = percentile ?? recipe.percentile
        recipe.arithmetic = mxnetCompat ? .mxnet : .exact
        recipe.histograms = try histograms.map { try HistogramFile.read($0).histograms } ?? [:]
    }

    /// Writes the histograms, if that is asked for.
    func save(_ calibration: Calibration) throws {
        guard let writeHistograms else { return }
        let order = calibration.table.entries.map(\.name)
        try HistogramFile.write(calibration.statistics.histograms, order: order, to: writeHistograms)
    }
}

extension CalibrationMethod: ExpressibleByArgument {}
