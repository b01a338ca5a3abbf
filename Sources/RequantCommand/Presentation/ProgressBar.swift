import Foundation

/// `calibrating  12/63  ██████░░░░░░░░░░░░░░  9.6 batches/s, 5 s left`, on one line of standard error that is wiped in
/// the end. Only people on a terminal see it.
final class ProgressBar {
    private let label: String
    /// What is counted: `batches`.
    private let unit: String
    private let isShown: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastShown: ContinuousClock.Instant?

    init(_ label: String, _ output: OutputOptions, unit: String = "batches") {
        self.label = label
        self.unit = unit
        isShown = !output.quiet && Terminal.isWatched
        start = clock.now
    }

    func update(_ done: Int, of total: Int) {
        let now = clock.now
        // More often than ten times a second nobody can read.
        guard isShown, total > 0, done == total || lastShown.map({ $0.duration(to: now) > .milliseconds(100) }) ?? true
        else { return }
        lastShown = now
        Terminal.printError("\r\u{1B}[K" + text(done, total, after: start.duration(to: now)), terminator: "")
    }

    func finish() {
        if lastShown != nil { Terminal.printError("\r\u{1B}[K", terminator: "") }
    }

    private func text(_ done: Int, _ total: Int, after elapsed: Duration) -> String {
        let width = 20, filled = width * done / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let rate = Double(done) / max(elapsed / .seconds(1), 1e-9)
        let left = Int((Double(total - done) / rate).rounded(.up))
        return "\(label)  \(done)/\(total)  \(bar)  \(String(format: "%.1f", rate)) \(unit)/s, \(left) s left"
    }
}
