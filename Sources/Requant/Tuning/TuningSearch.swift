import Passes

/// Looks for the fewest layers that have to stay in float:
///
///     1  everything in int8, by each method of calibration; the best is gone on with
///     2  how sensitive each layer is: alone in float, or alone in int8, whichever runs faster
///     3  other methods for the results of the most sensitive layers
///     4  the most sensitive 1, 2, 4 … layers in float until the goal is met, then halving the last step
///     5  each of them back in int8, the least sensitive first, if the goal is met without it
///
/// Stops as soon as the goal is met with everything in int8. Errors of layers add up nearly, so that the order of step 2 is
/// a good one, and step 5 takes back what it got wrong.
struct TuningSearch {
    let layers: [TuningLayer]
    let goal: TuningGoal
    let referenceTop1: Double?
    /// Measures a configuration, or knows it already.
    let measure: (TuningTrial.Configuration) throws -> TuningTrial
    /// Chooses how sensitivity is measured, given the trials with everything in int8.
    let chooseSensitivity: () throws -> TuningSensitivity

    struct Outcome {
        var methods: [TuningTrial]
        /// By layer.
        var sensitivities: [String: TuningTrial] = [:]
        var sensitivity = TuningSensitivity.aloneInFloat
        var chosen: TuningTrial
    }

    /// How many layers step 3 looks at.
    private static let refinedLayers = 8

    func run() throws -> Outcome {
        let methods = try TuningRanges.methods.map { try measure(.init($0)) }
        guard let start = methods.max(by: { $0.sqnr < $1.sqnr }) else {
            return Outcome(methods: [], chosen: try measure(.init(.naive)))
        }
        var outcome = Outcome(methods: methods, chosen: start)
        outcome.sensitivity = try chooseSensitivity()
        for layer in layers {
            outcome.sensitivities[layer.name] = try measure(
                start.configuration.excluding(excluded(measuring: layer, outcome.sensitivity)))
        }
        if let met = methods.filter(isMet).max(by: { $0.sqnr < $1.sqnr }) {
            outcome.chosen = met
            return outcome
        }
        let order = ranked(outcome)
        outcome.chosen = try refined(start, order)
        if !isMet(outcome.chosen) { outcome.chosen = try excluding(order, outcome.chosen.configuration) }
        return outcome
    }

    private func isMet(_ trial: TuningTrial) -> Bool { goal.isMet(by: trial, referenceTop1: referenceTop1) }

    private func excluded(measuring layer: TuningLayer, _ sensitivity: TuningSensitivity) -> [String] {
        switch sensitivity {
        case .aloneInFloat: [layer.name]
        case .aloneInInt8: layers.map(\.name).filter { $0 != layer.name }
        }
    }

    /// The layers that lose most first.
    private func ranked(_ outcome: Outcome) -> [TuningLayer] {
        func loss(_ layer: TuningLayer) -> Double {
            let noise = outcome.sensitivities[layer.name]?.noise ?? 0
            return outcome.sensitivity == .aloneInInt8 ? noise : -noise
        }
        return layers.enumerated().sorted { (loss($1.element), $0.offset) < (loss($0.element), $1.offset) }.map(
            \.element)
    }

    /// Other methods for single values, where that helps.
    private func refined(_ start: TuningTrial, _ order: [TuningLayer]) throws -> TuningTrial {
        var best = start
        for layer in order.prefix(Self.refinedLayers) {
            for method in TuningRanges.methods where method != .best && method.rawValue != start.configuration.method {
                var configuration = best.configuration
                configuration.overrides[layer.result] = method.rawValue
                let trial = try measure(configuration)
                if trial.sqnr > best.sqnr { best = trial }
                if isMet(best) { return best }
            }
        }
        return best
    }

    private func excluding(_ order: [TuningLayer], _ base: TuningTrial.Configuration) throws -> TuningTrial {
        func trial(_ count: Int) throws -> TuningTrial { try measure(base.excluding(order.prefix(count).map(\.name))) }
        var tooFew = 0, enough = min(1, order.count)
        var best = try trial(enough)
        while !isMet(best), enough < order.count {
            tooFew = enough
            enough = min(2 * enough, order.count)
            best = try trial(enough)
        }
        guard isMet(best) else { return best }
        while enough - tooFew > 1 {
            let middle = (tooFew + enough) / 2, found = try trial(middle)
            if isMet(found) { (enough, best) = (middle, found) } else { tooFew = middle }
        }
        for layer in order.prefix(enough).reversed() {
            let found = try measure(base.excluding(best.configuration.excluded.filter { $0 != layer.name }))
            if isMet(found) { best = found }
        }
        return best
    }
}
