import Foundation
import Passes

/// What a user should know of ranges that were chosen from histograms.
enum CalibrationWarnings {
    /// Above this share of the values' energy, a cut is worth a warning: 1 %, as much as noise at 20 dB.
    static let tolerable = 0.01

    static func of(
        _ choices: [String: RangeSearch.Choice], _ histograms: [String: Histogram], order: [String]
    ) -> [String] {
        let cut = order.compactMap { name -> (name: String, method: CalibrationMethod, share: Double)? in
            guard let choice = choices[name], choice.error.clipping > tolerable else { return nil }
            return (name, choice.method, choice.error.clipping)
        }
        let coarse = order.filter { histograms[$0]?.isCoarse == true }
        return clipping(cut) + coarseness(coarse)
    }

    private static func clipping(_ cut: [(name: String, method: CalibrationMethod, share: Double)]) -> [String] {
        guard let method = cut.first?.method.rawValue else { return [] }
        let list = cut.map { "\($0.name) (\(String(format: "%.0f", $0.share * 100)) %)" }.joined(separator: ", ")
        return [
            "\(method) cuts off more than \(Int(tolerable * 100)) % of the energy of \(counted(cut.count)): \(list). "
                + "This happens where most values are equal, such as a plain background. Use --calibrate naive, or give these "
                + "values wider ranges with --ranges."
        ]
    }

    private static func coarseness(_ names: [String]) -> [String] {
        guard !names.isEmpty else { return [] }
        return [
            "a later batch was so much larger than the first that the histogram of \(counted(names.count)) got wider bins: "
                + "\(names.joined(separator: ", ")). MXNet would have taken more than \(Histogram.maximumBins) of the first "
                + "width. Shuffle the data, or take larger batches."
        ]
    }

    private static func counted(_ count: Int) -> String { "\(count) value\(count == 1 ? "" : "s")" }
}
