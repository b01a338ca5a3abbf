import Foundation
import MXNetFormat
import OneDNNBackend
import Operators
import TensorCore
import TestSupport
import Testing
import Translation

/// The numbers that MXNet 1.9.1 computes from the examples, float and quantized; see Tests/Fixtures/operators/README.md.
struct MXNetNumbersTests {
    /// By family.
    private static let expected = Dictionary(
        uniqueKeysWithValues: OperatorFamily.all.compactMap { family in
            (try? NumPyArchive(Fixtures.path("operators/\(family.name).npz"))).map { (family.name, $0) }
        })

    /// What MXNet 1.9.1 makes and cannot run itself, each with its reason: `Layers/convolution-grouped-quantized: …`.
    private static let refused = try? String(contentsOfFile: Fixtures.path("operators/refused.txt"), encoding: .utf8)
        .split(separator: "\n").compactMap { $0.split(separator: ":").first.map(String.init) }

    /// MXNet adds a shift to the codes that it does not round; ONNX and oneDNN want whole zero points.
    private static let shiftedCodes = "QuantizeAsymmetric"
    /// MXNet makes the range of these sums from ranges that it has not read.
    private static let unreliable = "products/sg-mkldnn-selfatt-qk-two-heads-quantized"

    /// Those that MXNet has.
    static func cases() throws -> [ExampleCase] {
        try (ExampleCase.examples() + ExampleCase.quantized()).filter(\.isMXNets)
    }

    @Test(arguments: try cases()) func outputsAreMXNets(_ example: ExampleCase) throws {
        let outputs = try example.run(arithmetic: .mxnet).outputs
        if try #require(Self.refused).contains("\(example.family)/\(example.fileName)") { return }
        guard "\(example.family.lowercased())/\(example.fileName)" != Self.unreliable else { return }
        for (index, output) in outputs.enumerated() {
            let name = "\(example.fileName)-\(index)"
            guard let archive = Self.expected[example.family], archive.names.contains(name) else {
                Issue.record("MXNet's output for it is not there: make it again (Tests/Fixtures/operators/README.md)")
                return
            }
            let expected = try archive.tensor(named: name)
            #expect(output.type == expected.type)
            let codes: Float = example.op == Self.shiftedCodes ? 1 : 0
            #expect(difference(output, expected) <= (output.dataType == .float32 ? 1e-5 * magnitude(expected) : codes))
        }
    }

    /// Writes what make.py runs MXNet on, into the folder that REQUANT_EXAMPLES names.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["REQUANT_EXAMPLES"] != nil))
    func writeExamples() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["REQUANT_EXAMPLES"])
        for example in try Self.cases() {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(example.family)", withIntermediateDirectories: true)
            let stem = "\(folder)/\(example.family)/\(example.fileName)"
            try MXNetExporter().checkpoint(of: example.graph).write(to: CheckpointPaths(writing: stem))
            let names = example.graph.inputs.map { example.graph[$0].name }
            try NumPyArchive.write(Array(zip(names, example.inputs)), to: stem + "-inputs.npz")
        }
    }
}

extension ExampleCase {
    /// `pooling-global-mean-calibrated`
    fileprivate var fileName: String {
        description.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
    }
}
