import ArgumentParser
import Requant

/// How layers and models are timed.
struct TimingArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("Samples that run at once; by default as many as the model's inputs have.", valueName: "n"))
    var batchSize: Int?

    @Option(help: ArgumentHelp("Threads that oneDNN may use; all by default.", valueName: "n"))
    var threads: Int?

    @OptionGroup var arithmetic: ArithmeticOptions

    func validate() throws {
        if let batchSize, batchSize < 1 { throw ValidationError("--batch-size has to be above 0.") }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is a number in 1…1024, not \(threads).")
        }
    }

    func options(rounds: Int) -> TimingOptions {
        var options = TimingOptions()
        options.arithmetic = arithmetic.mxnetCompat ? .mxnet : .exact
        options.threads = threads
        options.batchSize = batchSize
        options.rounds = rounds
        return options
    }
}
