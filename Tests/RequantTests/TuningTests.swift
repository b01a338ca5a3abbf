import Foundation
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// The search for layers that stay in float, on networks whose layers have known noise; and its journal.
struct TuningTests {
    /// Layers a, b, c … whose noise adds up; entropy adds 1 to everything.
    struct Network {
        var noise: [String: Double]
        var layers: [TuningLayer] {
            noise.keys.sorted().map {
                TuningLayer(name: $0, origins: [$0], result: $0 + "_output")
            }
        }

        func trial(_ configuration: TuningTrial.Configuration) -> TuningTrial {
            let rest = noise.filter { !configuration.excluded.contains($0.key) }.values.reduce(0, +)
            let noise = rest + (configuration.method == "entropy" ? 1 : 0)
            return TuningTrial(
                configuration: configuration, sqnr: noise == 0 ? .infinity : -10 * log10(noise),
                top1: 1 - noise * 10)
        }

        /// What the search chooses, and the configurations that it measured.
        func search(
            _ goal: TuningGoal, _ sensitivity: TuningSensitivity = .aloneInFloat
        ) throws -> (outcome: TuningSearch.Outcome, trials: Set<TuningTrial.Configuration>) {
            var trials = Set<TuningTrial.Configuration>()
            let outcome = try TuningSearch(
                layers: layers, goal: goal, referenceTop1: 1,
                measure: {
                    trials.insert($0)
                    return trial($0)
                }, chooseSensitivity: { sensitivity }
            ).run()
            return (outcome, trials)
        }
    }

    /// Noise of 0.0111 is 19.5 dB; without b 0.0011, 29.6 dB; without b and d 0.0001, 40 dB.
    static let network = Network(noise: ["a": 0.0001, "b": 0.01, "c": 0, "d": 0.001])

    @Test(arguments: TuningSensitivity.allCases) func theFewestLayersStayInFloat(_ sensitivity: TuningSensitivity)
        throws
    {
        for (goal, expected) in [(19.0, []), (29, ["b"]), (39, ["b", "d"]), (41, ["a", "b", "d"])] {
            let outcome = try Self.network.search(TuningGoal(minimumSQNR: goal), sensitivity).outcome
            #expect(outcome.chosen.configuration.excluded == expected, "\(goal) dB")
        }
    }

    /// 1 − 10 · noise: 0.889 with everything in int8, 0.989 without b.
    @Test func aDropOfTopOneIsAGoal() throws {
        let outcome = try Self.network.search(TuningGoal(maximumDrop: 0.012)).outcome
        #expect(outcome.chosen.configuration.excluded == ["b"])
        #expect(try Self.network.search(TuningGoal(maximumDrop: 0.12)).outcome.chosen.configuration.excluded == [])
    }

    /// Two layers that are bad only together: what the order got wrong is taken back.
    @Test func whatIsNotNeededIsTakenBack() throws {
        let outcome = try TuningSearch(
            layers: Self.network.layers, goal: TuningGoal(minimumSQNR: 29), referenceTop1: nil,
            measure: { configuration in
                var trial = Self.network.trial(configuration)
                // Alone, a seems to help most; in truth b does.
                if configuration.excluded == ["a"] { trial.sqnr = 28 }
                return trial
            }, chooseSensitivity: { .aloneInFloat }
        ).run()
        #expect(outcome.chosen.configuration.excluded == ["b"])
    }

    @Test func theBestMethodIsGoneOnWith() throws {
        let (outcome, trials) = try Self.network.search(TuningGoal(minimumSQNR: 39))
        #expect(outcome.methods.map(\.configuration.method) == ["naive", "entropy", "percentile", "mse", "best"])
        #expect(outcome.chosen.configuration.method != "entropy" && outcome.sensitivities.count == 4)
        // Other methods were tried for the results of single layers.
        #expect(trials.contains { $0.overrides == ["b_output": "mse"] || $0.overrides == ["b_output": "naive"] })
    }

    @Test func theFrontierIsWhatNothingBeats() {
        func point(_ excluded: [String], _ sqnr: Double, _ milliseconds: Int, chosen: Bool = false)
            -> TuningResult.Point
        {
            TuningResult.Point(
                trial: TuningTrial(configuration: .init(.naive, excluded: excluded), sqnr: sqnr, top1: nil),
                duration: .milliseconds(milliseconds), isChosen: chosen)
        }
        let points = [point(["a"], 30, 12), point([], 20, 10), point(["b"], 25, 13), point(["c"], 40, 20)]
        #expect(Tuner.frontier(points).map(\.trial.configuration.excluded) == [[], ["a"], ["c"]])
        #expect(Tuner.frontier([point(["b"], 25, 13, chosen: true)] + points).count == 4)
    }

    /// 10 ms in int8; a takes 5 ms in float and 2 in int8.
    @Test func timeIsThatOfTheLayers() {
        let speed = TuningSpeed(
            float: .milliseconds(30), int8: .milliseconds(10), floatLayers: ["a": .milliseconds(5)],
            int8Layers: ["a": .milliseconds(2)])
        #expect(
            speed.duration(excluding: ["a"]) == .milliseconds(13) && speed.duration(excluding: []) == .milliseconds(10))
    }

    // MARK: The journal

    @Test func aJournalGoesOnWhereItWas() throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/tune.json"
            var journal = try TuningJournal(path, model: "m", data: "d", settings: "s")
            let trial = TuningTrial(configuration: .init(.mse, excluded: ["b", "a"]), sqnr: .infinity, top1: 0.5)
            try journal.setRanges(["data": ["mse": [-1, 2.5]]])
            try journal.add(trial)
            let again = try TuningJournal(path, model: "m", data: "d", settings: "s")
            #expect(again[trial.configuration] == trial && again.resumed == 1)
            #expect(again.contents.ranges == ["data": ["mse": [-1, 2.5]]])
            #expect(trial.configuration.excluded == ["a", "b"])
        }
    }

    @Test func aJournalOfSomethingElseIsRefused() throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder + "/tune.json"
            var journal = try TuningJournal(path, model: "m", data: "d", settings: "s")
            try journal.setSensitivity(.aloneInInt8)
            for (model, data, problem) in [("n", "d", "another model"), ("m", "e", "other data")] {
                #expect {
                    try TuningJournal(path, model: model, data: data, settings: "s")
                } throws: { "\($0)".contains("is the journal of a tuning with \(problem)") }
            }
            try "{}".write(toFile: path, atomically: true, encoding: .utf8)
            #expect { try TuningJournal(path, model: "m", data: "d", settings: "s") } throws: {
                "\($0)".contains("is no journal of a tuning")
            }
        }
    }

    /// FNV-1a's offset basis of nothing but a count of zero bytes: (basis ⊕ 0) · prime, its upper half mixed in.
    @Test func fingerprintsTellContentsApart() {
        func text(_ bytes: [UInt8]) -> String {
            var fingerprint = Fingerprint()
            bytes.withUnsafeBytes { fingerprint.add($0) }
            return fingerprint.text
        }
        let product: UInt64 = 0xcbf2_9ce4_8422_2325 &* 0x100_0000_01b3
        #expect(text([]) == String(product ^ product >> 32, radix: 16))
        let texts = [[], [0], [0, 0], [1], [0, 1], [0, 0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 1, 2]].map(text)
        #expect(Set(texts).count == 7 && texts.allSatisfy { $0.count <= 16 })
    }
}
