import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// The ONNX standard's own cases (Tests/Fixtures/onnx-cases), with the limits of its runner.
struct ONNXCaseTests {
    private static let folder = Fixtures.path("onnx-cases")

    private static let names =
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?
        .filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted() ?? []

    @Test func thereAreCases() { #expect(Self.names.count >= 60) }

    @Test(arguments: names)
    func computesWhatTheStandardSays(_ name: String) throws {
        let model = try Model.load("\(Self.folder)/\(name).onnx")
        let data = try NumPyArchive("\(Self.folder)/\(name).npz")
        var inputs: [String: Tensor] = [:]
        for (index, input) in model.graph.inputs.enumerated() {
            inputs[model.graph[input].name] = try data.tensor(named: "i\(index)")
        }
        let outputs = try ModelRunner(model).run(inputs)
        #expect(outputs.count == data.names.count { $0.hasPrefix("o") })
        for (index, output) in outputs.enumerated() {
            let expected = try data.tensor(named: "o\(index)")
            #expect(output.shape == expected.shape)
            #expect(output.dataType == expected.dataType || expected.dataType.isFloatingPoint)
            let problems = zip(output.floats(), expected.floats()).filter { a, b in
                !(abs(a - b) <= 1e-7 + 1e-3 * abs(b) || a == b || a.isNaN && b.isNaN)
            }
            #expect(problems.isEmpty, "\(problems.prefix(5))")
        }
    }
}
