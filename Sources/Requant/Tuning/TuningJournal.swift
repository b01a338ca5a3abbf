import Foundation
import TensorCore

/// What a tuning has found so far, as a file: whoever interrupts it goes on from there.
///
/// The file is written anew after each trial, in whole (see `FileOutput`), and is keyed by fingerprints of the model, of
/// the data and of the settings: results of others are of no use.
struct TuningJournal {
    struct Contents: Codable {
        var version = 1
        var model: String
        var data: String
        var settings: String
        /// By value, then by method: minimum and maximum.
        var ranges: [String: [String: [Float]]] = [:]
        var sensitivity: TuningSensitivity?
        var trials: [TuningTrial] = []
    }

    private let path: String?
    private(set) var contents: Contents
    private var known: [TuningTrial.Configuration: TuningTrial] = [:]
    /// Trials that an earlier tuning made.
    let resumed: Int

    /// Goes on from the file if there is one.
    /// - Parameter path: nil for a journal that is not kept.
    /// - Throws: `ModelError` for a file that is no journal, or that of another tuning.
    init(_ path: String?, model: String, data: String, settings: String) throws {
        self.path = path
        contents = Contents(model: model, data: data, settings: settings)
        if let path, FileManager.default.fileExists(atPath: path) {
            let found = try Self.read(path)
            for (what, old, new) in [
                ("another model", found.model, model), ("other data", found.data, data),
                ("other settings", found.settings, settings),
            ] where old != new {
                throw ModelError(
                    "is the journal of a tuning with \(what)", at: path,
                    advice: "give another file to --resume, or remove this one")
            }
            contents = found
        }
        known = Dictionary(contents.trials.map { ($0.configuration, $0) }) { first, _ in first }
        resumed = contents.trials.count
    }

    subscript(_ configuration: TuningTrial.Configuration) -> TuningTrial? { known[configuration] }

    mutating func add(_ trial: TuningTrial) throws {
        contents.trials.append(trial)
        known[trial.configuration] = trial
        try write()
    }

    mutating func setRanges(_ ranges: [String: [String: [Float]]]) throws {
        contents.ranges = ranges
        try write()
    }

    mutating func setSensitivity(_ sensitivity: TuningSensitivity) throws {
        contents.sensitivity = sensitivity
        try write()
    }

    /// JSON has no infinity; these texts stand for what it lacks.
    private static let texts = (positive: "inf", negative: "-inf", nan: "nan")

    private func write() throws {
        guard let path else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: Self.texts.positive, negativeInfinity: Self.texts.negative, nan: Self.texts.nan)
        try FileOutput.write(String(decoding: try encoder.encode(contents), as: UTF8.self) + "\n", to: path)
    }

    private static func read(_ path: String) throws -> Contents {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: texts.positive, negativeInfinity: texts.negative, nan: texts.nan)
        let storage = try TensorStorage(mapping: path)
        let json = withExtendedLifetime(storage) { Data(storage.bytes) }
        do { return try decoder.decode(Contents.self, from: json) } catch is DecodingError {
            throw ModelError(
                "is no journal of a tuning", at: path, advice: "give another file to --resume, or remove this one")
        }
    }
}

/// How the layers' sensitivity is measured.
public enum TuningSensitivity: String, Sendable, Codable, CaseIterable {
    /// Each layer alone in float, all others in int8: what is gained.
    case aloneInFloat = "alone-in-float"
    /// Each layer alone in int8, all others in float: what is lost.
    case aloneInInt8 = "alone-in-int8"
}
