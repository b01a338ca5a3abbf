import Foundation
import GraphIR
import Passes
import TensorCore
import Testing

/// Networks that nobody thought of, made from seeds, obey the laws.
///
/// `REQUANT_RANDOM=COUNT[,SEED]` tries more of them. A network that breaks a law is made smaller by leaving out steps, and
/// printed as `REQUANT_NETWORK=SEED-STEP-STEP…`, the seed and what was left out, which tries it alone.
struct RandomGraphTests {
    private static let environment = ProcessInfo.processInfo.environment

    /// The networks to try.
    static var descriptors: [NetworkDescriptor] {
        if let text = environment["REQUANT_NETWORK"] { return NetworkDescriptor(text).map { [$0] } ?? [] }
        let numbers = (environment["REQUANT_RANDOM"] ?? "20,1").split(separator: ",").compactMap { Int($0) }
        let first = numbers.count > 1 ? numbers[1] : 1
        return (first..<first + (numbers.first ?? 0)).map { NetworkDescriptor(seed: $0) }
    }

    @Test(arguments: descriptors) func lawsHold(_ descriptor: NetworkDescriptor) {
        let violations = descriptor.violations()
        guard !violations.isEmpty else { return }
        let smallest = descriptor.smallest { !$0.violations().isEmpty }
        let text = smallest.network.flatMap { try? $0.graph() }.map { GraphPrinter.text(of: $0) } ?? ""
        let sentences = smallest.violations().joined(separator: "\n")
        Issue.record("REQUANT_NETWORK=\(smallest) (\(smallest.options.words))\n\(sentences)\n\(text)")
    }
}

/// A network in a line: its seed, and the steps that are left out.
struct NetworkDescriptor: Sendable, CustomStringConvertible {
    let seed: Int
    var omitted: [Int] = []

    init(seed: Int) { self.seed = seed }

    /// `4711-3-5`
    init?(_ text: String) {
        let numbers = text.split(separator: "-").compactMap { Int($0) }
        guard let seed = numbers.first else { return nil }
        self.seed = seed
        omitted = Array(numbers.dropFirst())
    }

    var description: String { ([seed] + omitted).map(String.init).joined(separator: "-") }

    /// Nil if what is left does not hang together.
    var network: RandomNetwork? {
        omitted.reduce(NetworkGenerator.network(seed: seed)) { network, step in network?.without(step) }
    }

    /// How it is quantized; drawn from the seed, too.
    var options: QuantizationOptions {
        var random = RandomSource(seed: ~seed)
        return QuantizationOptions(
            codeType: random.pick([.auto, .auto, .int8, .uint8]), mode: random.pick([.full, .full, .smart]),
            granularity: random.pick(QuantizationOptions.Granularity.allCases))
    }

    func violations() -> [String] {
        guard let network, network.canBeRun else { return [] }
        do { return try NetworkLaws(network, options).violations() } catch { return ["\(error)"] }
    }

    /// With as many steps left out as possible while `fails`.
    func smallest(while fails: (NetworkDescriptor) -> Bool) -> NetworkDescriptor {
        var best = self
        for step in NetworkGenerator.network(seed: seed).steps.indices.reversed() {
            var smaller = best
            smaller.omitted.append(step)
            if fails(smaller) { best = smaller }
        }
        return best
    }
}

extension QuantizationOptions {
    fileprivate var words: String { "\(codeType.rawValue), \(mode.rawValue), \(granularity.rawValue)" }
}
