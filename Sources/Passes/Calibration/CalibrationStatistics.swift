import TensorCore

/// All that calibration keeps of the values that it has seen, however many they are: of each its extremes, or a histogram.
public struct CalibrationStatistics: Sendable {
    private let keepsHistograms: Bool
    /// Smallest and largest element of each value, by its name.
    public private(set) var extremes: [String: ValueRange] = [:]
    /// By the name of the value; empty if extremes are all that is kept.
    public private(set) var histograms: [String: Histogram] = [:]

    /// Nothing was seen yet.
    public init(keepsHistograms: Bool) { self.keepsHistograms = keepsHistograms }

    /// Goes on from histograms that others collected.
    public init(histograms: [String: Histogram]) {
        keepsHistograms = true
        self.histograms = histograms
        extremes = histograms.mapValues(\.range)
    }

    /// Adds a batch of the elements of a value.
    public mutating func add(_ elements: UnsafeBufferPointer<Float>, of name: String) {
        let range: ValueRange
        if keepsHistograms {
            if histograms[name]?.add(elements) == nil { histograms[name] = Histogram(elements) }
            range = histograms[name]?.range ?? ValueRange(of: elements)
        } else {
            range = ValueRange(of: elements)
        }
        extremes[name] = extremes[name]?.union(range) ?? range
    }

    /// Adds what others collected, as if it had come after this.
    /// - Returns: the values of which one run would have counted a little otherwise; see `Histogram.merge`.
    public mutating func merge(_ other: CalibrationStatistics) -> [String] {
        for (name, range) in other.extremes { extremes[name] = extremes[name]?.union(range) ?? range }
        return other.histograms.keys.sorted().filter { name in
            guard let histogram = other.histograms[name] else { return false }
            guard let isExact = histograms[name]?.merge(histogram) else {
                histograms[name] = histogram
                return false
            }
            return !isExact
        }
    }

    /// How many numbers that are.
    var numbersKept: Int {
        2 * extremes.count + histograms.values.reduce(0) { $0 + $1.counts.count }
    }
}
