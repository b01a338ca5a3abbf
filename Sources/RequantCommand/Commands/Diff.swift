import ArgumentParser
import Comparison
import Requant

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs two models over the same data and says how far they are apart.",
        discussion: """
            The first model counts as right. Exits with 3 if a limit is exceeded.

            Example: requant diff resnet18 resnet18-int8 --data test.rec --crop 224 --layers --min-sqnr 20
            """)

    @Argument(help: "The model that counts as right.")
    var reference: String

    @Argument(help: "The model that is compared with it.")
    var candidate: String

    @OptionGroup var files: ModelFileOptions

    @Flag(help: "Compares layer by layer.")
    var layers = false

    @Flag(help: "Says at which layer the models part: the first beyond a limit, or else the largest loss.")
    var firstDivergence = false

    @Option(help: ArgumentHelp("No output may differ by more.", valueName: "x"))
    var maxAbs: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("No output may have a lower SQNR.", valueName: "db"))
    var minSqnr: Double?

    @Option(help: ArgumentHelp("The candidate has to classify this share correctly, in 0…1.", valueName: "p"))
    var minTop1: Double?

    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var arithmetic: ArithmeticOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try files.check(reference, candidate)
        try data.requireData()
        if let minTop1, !(0...1).contains(minTop1) { throw ValidationError("--min-top1 is a share in 0…1.") }
    }

    func run() throws {
        let reference = try files.load(reference)
        let candidate = try files.load(candidate)
        engine.warnOfSaturation(in: reference, candidate)
        let bar = ProgressBar("comparing", output)
        var report = try reference.compare(
            with: candidate, names: (self.reference, self.candidate), on: data.open(for: reference), options
        ) { bar.update($0, of: $1) }
        bar.finish()
        if !layers { report.leaveOutLayers() }
        if output.json {
            try Terminal.print(String(decoding: try report.json(), as: UTF8.self))
        } else {
            try Terminal.print(ComparisonText.text(of: report), terminator: "")
            if firstDivergence, report.firstDivergence == nil {
                try Terminal.print("first divergence  none: no layer is beyond the limit")
            }
        }
        let violations = limits.violations(of: report)
        for violation in violations { Terminal.printError("limit: \(violation)") }
        if !violations.isEmpty { throw ExitCode.limitExceeded }
    }

    private var limits: ComparisonLimits {
        ComparisonLimits(maximumDifference: maxAbs, minimumSQNR: minSqnr, minimumTop1: minTop1)
    }

    private var options: DiffOptions {
        var options = DiffOptions()
        options.run = engine.runOptions(data, arithmetic)
        options.comparesLayers = layers || firstDivergence
        if firstDivergence {
            options.firstDivergence =
                minSqnr.map { .sqnr(below: $0) } ?? maxAbs.map { .difference(above: $0) } ?? .largestDrop
        }
        return options
    }
}

extension ComparisonReport {
    /// For those who only want to know where the models part.
    fileprivate mutating func leaveOutLayers() {
        (layers, unmatchedReference, unmatchedCandidate) = ([], [], [])
    }
}
