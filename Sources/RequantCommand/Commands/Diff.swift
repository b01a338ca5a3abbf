import ArgumentParser
import Comparison
import Requant

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs two models over the same data and says how far they are apart.",
        discussion: """
            The first model counts as right. Without data, the graphs are compared: what was added, removed, fused, and \
            which attributes and ranges changed. Exits with 3 if a limit is exceeded.
            """,
        examples: [
            Example(
                "Where accuracy is lost; exits with 3 below 20 dB",
                "requant diff resnet18 resnet18-int8 --data test.rec --crop 224 --layers --min-sqnr 20"),
            Example(
                "How the graphs differ",
                "requant diff resnet18 resnet18-int8"),
            Example(
                "Results of today, compared with those of another day",
                "requant diff resnet18 resnet18-int8 --data test.rec --crop 224 --layers "
                    + "--save before.json"),
            Example(
                "… later",
                "requant diff --load before.json after.json"),
        ])

    @Argument(help: "The model that counts as right.", completion: .model)
    var reference: String?

    @Argument(help: "The model that is compared with it.", completion: .model)
    var candidate: String?

    @OptionGroup var files: ModelFileOptions

    @Flag(help: "Compares layer by layer: what has gathered up to each, and what each does by itself.")
    var layers = false

    @Flag(help: "Shows for each layer how many steps its codes are off, saturation, and dead channels.")
    var histograms = false

    @Flag(help: "Compares weights, channel by channel.")
    var channels = false

    @Flag(help: "Lists every class, and every pair of classes that the two models confuse.")
    var classes = false

    @Flag(help: "Compares the graphs, too.")
    var structure = false

    @Flag(help: "Says at which layer the models part: the first beyond a limit, or else the largest loss.")
    var firstDivergence = false

    @Option(help: ArgumentHelp("No output may differ by more.", valueName: "x"))
    var maxAbs: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("No output may have a lower SQNR.", valueName: "db"))
    var minSqnr: Double?

    @Option(help: ArgumentHelp("The candidate has to classify this share correctly, in 0…1.", valueName: "p"))
    var minTop1: Double?

    @Option(help: ArgumentHelp("Keeps the result, as JSON.", valueName: "file"), completion: .file())
    var save: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Takes kept results instead of running models: one is shown, of two the change. Of one and two models, "
                + "what has changed since.", valueName: "file"), completion: .file())
    var load: [String] = []

    @OptionGroup var data: DataOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var arithmetic: ArithmeticOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let reference, let candidate {
            try files.check(reference, candidate)
            if load.count > 1 {
                throw ValidationError("With two models there is one result to compare with: give one --load.")
            }
            if !data.isGiven, needsData { throw ValidationError("Give data with --data.") }
        } else {
            guard reference == nil, !load.isEmpty else { throw ValidationError("Give two models.") }
            if load.count > 2 { throw ValidationError("--load takes one or two results.") }
            if data.isGiven { throw ValidationError("--data is for two models.") }
        }
        if let minTop1, !(0...1).contains(minTop1) { throw ValidationError("--min-top1 is a share in 0…1.") }
    }

    /// Whether something is asked for that only a run tells.
    private var needsData: Bool {
        layers || histograms || classes || firstDivergence || maxAbs != nil || minSqnr != nil || minTop1 != nil
    }

    func run() throws {
        var report = try result()
        if let save { try report.save(to: save) }
        if !layers, load.isEmpty { report.leaveOutLayers(keepingHistograms: histograms) }
        if output.json {
            try Terminal.print(String(decoding: try report.json(), as: UTF8.self))
        } else {
            try Terminal.print(ComparisonText.text(of: report, details), terminator: "")
            if firstDivergence, report.firstDivergence == nil {
                try Terminal.print("first divergence  none: no layer is beyond the limit")
            }
        }
        let violations = limits.violations(of: report)
        for violation in violations { Terminal.printError("limit: \(violation)") }
        if !violations.isEmpty { throw ExitCode.limitExceeded }
    }

    private func result() throws -> ComparisonReport {
        let kept = try load.map { try ComparisonReport(reading: $0) }
        var report = try compared() ?? kept[kept.count - 1]
        if let old = kept.first, reference != nil || kept.count > 1 {
            report.change = ReportChange(from: old, to: report)
        }
        if let criterion, reference == nil {
            report.firstDivergence = FirstDivergence.find(in: report.layers, criterion)
        }
        return report
    }

    /// The result for two models; nil if none are given.
    private func compared() throws -> ComparisonReport? {
        guard let reference, let candidate else { return nil }
        let names = (reference, candidate)
        let (a, b) = (try files.load(reference), try files.load(candidate))
        guard data.isGiven else { return try a.compareWithoutData(with: b, names: names, options) }
        engine.warnOfSaturation(in: a, b)
        let bar = ProgressBar("comparing", output)
        defer { bar.finish() }
        return try a.compare(with: b, names: names, on: data.open(for: a), options) { bar.update($0, of: $1) }
    }

    private var limits: ComparisonLimits {
        ComparisonLimits(maximumDifference: maxAbs, minimumSQNR: minSqnr, minimumTop1: minTop1)
    }

    private var details: ComparisonText.Detail {
        var details: ComparisonText.Detail = []
        if histograms { details.insert(.histograms) }
        if classes { details.insert(.classes) }
        return details
    }

    private var criterion: FirstDivergence.Criterion? {
        guard firstDivergence else { return nil }
        return minSqnr.map { .sqnr(below: $0) } ?? maxAbs.map { .difference(above: $0) } ?? .largestDrop
    }

    private var options: DiffOptions {
        var options = DiffOptions()
        options.run = engine.runOptions(data, arithmetic)
        options.comparesLayers = layers || histograms || firstDivergence
        options.comparesWeights = channels
        options.comparesStructure = structure
        options.firstDivergence = criterion
        return options
    }
}

extension ComparisonReport {
    /// For those who only want to know where the models part.
    fileprivate mutating func leaveOutLayers(keepingHistograms: Bool) {
        (unmatchedReference, unmatchedCandidate) = ([], [])
        if !keepingHistograms { layers = [] }
    }
}
