import ArgumentParser
import OneDNNBackend
import Operators
import Requant

/// What computes, and how.
struct EngineOptions: ParsableArguments {
    @Option(help: "oneDNN, or plain loops that are slow and simple.")
    var engine: EngineChoice = .onednn

    @Option(help: ArgumentHelp("Threads that oneDNN may use; all by default.", valueName: "n"))
    var threads: Int?

    /// More than machines have; oneDNN's runtime ends the process when it cannot start a thread.
    private static let threadLimits = 1...1024

    func validate() throws {
        if let threads, !Self.threadLimits.contains(threads) {
            throw ValidationError("--threads is a number in 1…\(Self.threadLimits.upperBound), not \(threads).")
        }
    }

    func runOptions(_ data: DataOptions, _ arithmetic: ArithmeticOptions) -> RunOptions {
        var options = RunOptions()
        options.engine = engine
        options.arithmetic = arithmetic.mxnetCompat ? .mxnet : .exact
        options.threads = threads
        options.batchSize = data.batchSize
        options.batches = data.batches
        return options
    }

    /// Says what users of int8 results have to know of this machine.
    func warnOfSaturation(in models: Model...) {
        guard engine == .onednn, models.contains(where: { $0.layerCounts.quantized > 0 }) else { return }
        if let warning = InstructionSet.current.warning { Terminal.warn(warning + ".") }
    }
}

/// Which int8 arithmetic computes.
struct ArithmeticOptions: ParsableArguments {
    @Flag(name: .customLong("mxnet-compat"), help: "Computes int8 layers as MXNet 1.9.1 does, its mistakes included.")
    var mxnetCompat = false
}

extension EngineChoice: ExpressibleByArgument {}
