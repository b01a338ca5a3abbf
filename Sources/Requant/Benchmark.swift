import OneDNNBackend
import TensorCore

/// How fast models are, measured side by side: one round after the other, each model in each round, so that a machine
/// that slows down slows all of them down.
public struct Benchmark: Sendable {
    /// How fast one model is.
    public struct Result: Sendable {
        /// What the model was called.
        public var model: String
        /// Samples that ran at once.
        public var batchSize: Int
        /// From the file to the first result.
        public var start: Duration
        /// One for each round: the median of its runs, for one batch.
        public var latencies: [Duration]

        /// The median of the rounds.
        public var latency: Duration { latencies.sorted()[latencies.count / 2] }
        /// By the median of the rounds.
        public var samplesPerSecond: Double { Double(batchSize) / Swift.max(latency / .seconds(1), 1e-9) }
    }

    /// How models are timed.
    public var options: TimingOptions
    /// How long a model runs in a round, at least.
    public var roundTime: Duration

    /// A benchmark whose rounds take at least `roundTime` for each model.
    public init(_ options: TimingOptions = TimingOptions(), roundTime: Duration = .seconds(1)) {
        self.options = options
        self.roundTime = roundTime
    }

    /// - Parameters:
    ///   - progress: called after each round with the number of rounds done and of all.
    ///   - models: with what reads each of them, which is part of the start.
    public func run(
        _ models: [(name: String, load: () throws -> Model)], progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> [Result] {
        let clock = ContinuousClock()
        var results: [Result] = []
        let timed = try models.map { name, load in
            let start = clock.now
            let model = try locating(name) { try TimedModel(load(), options) }
            _ = try model.executor.run(model.inputs)
            results.append(
                Result(model: name, batchSize: model.batchSize, start: clock.now - start, latencies: []))
            return model
        }
        for round in 0..<options.rounds {
            for (index, model) in timed.enumerated() {
                // What ran before has taken the caches.
                _ = try model.executor.run(model.inputs)
                var durations: [Duration] = []
                let end = clock.now + roundTime
                repeat {
                    durations.append(try clock.measure { _ = try model.executor.run(model.inputs) })
                } while clock.now < end
                results[index].latencies.append(durations.sorted()[durations.count / 2])
            }
            progress(round + 1, options.rounds)
        }
        return results
    }
}
