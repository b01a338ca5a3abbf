import Foundation
import TensorCore
import TestSupport
import Testing

@testable import MXNetFormat

/// What is in each file, as MXNet 1.9.1 itself reads it; `Fixtures/mxnet/inventory.py` asked it.
private enum Finding: Decodable {
    case symbol(Symbol), arrays([Array]), refused

    struct Symbol: Decodable {
        let operators: [String: Int]
        /// In the order of the nodes, states of layers among them.
        let variables: [String]
        let outputs: Int
    }

    struct Array: Decodable {
        let name, type, layout: String
        let shape: [Int]
        let sum, largest: Double
    }

    private enum Key: CodingKey { case refused }

    init(from decoder: any Decoder) throws {
        if let arrays = try? decoder.singleValueContainer().decode([Array].self) {
            self = .arrays(arrays)
        } else if try decoder.container(keyedBy: Key.self).contains(.refused) {
            self = .refused
        } else {
            self = .symbol(try decoder.singleValueContainer().decode(Symbol.self))
        }
    }
}

@Suite struct InventoryTests {
    /// Networks of others, which are no part of this repository: their files are looked at where they lie beside it.
    private static let others = URL(fileURLWithPath: Fixtures.path("../../../shared/real/mxnet")).standardized.path

    @Test func everyFileHoldsWhatMXNetFindsInIt() throws {
        try check(folder: Fixtures.path("mxnet"), inventory: "inventory.json", files: 53)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: others)))
    func networksOfOthersHoldWhatMXNetFindsInThem() throws {
        try check(folder: Self.others, inventory: "inventory-real.json", files: 16)
    }

    private func check(folder: String, inventory: String, files: Int) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("mxnet/\(inventory)")))
        let findings = try JSONDecoder().decode([String: Finding].self, from: data)
        #expect(findings.count == files)
        for (name, finding) in findings {
            let path = "\(folder)/\(name)"
            switch finding {
            case .symbol(let expected): try check(SymbolReader.read(path), expected, name)
            case .arrays(let expected): try check(ParametersReader.read(path), expected, name)
            // MXNet 1.9.1 cannot load what it saved here: it stops within an array that was never defined.
            case .refused: #expect(throws: ModelError.self, "\(name)") { try ParametersReader.read(path) }
            }
        }
    }

    private func check(_ symbol: MXNetSymbol, _ expected: Finding.Symbol, _ name: String) {
        let upgraded = LegacyUpgrade.upgrade(symbol).symbol
        let operators = upgraded.nodes.filter { !$0.isVariable }.reduce(into: [:]) { $0[$1.op, default: 0] += 1 }
        #expect(operators == expected.operators, "\(name)")
        #expect(upgraded.nodes.filter(\.isVariable).map(\.name) == expected.variables, "\(name)")
        #expect(upgraded.heads.count == expected.outputs, "\(name)")
    }

    private func check(_ parameters: MXNetParameters, _ expected: [Finding.Array], _ name: String) throws {
        // MXNet returns a dictionary: the order is not compared.
        let entries = parameters.entries.enumerated().map { ($0.element.name, $0.element.array) }
        #expect(entries.map(\.0).sorted() == expected.map(\.name).sorted(), "\(name)")
        for (index, array) in expected.enumerated() {
            let found = parameters[array.name] ?? parameters.entries[index].array
            let dense = try found.densified()
            #expect(dense.type.description == TensorType(dense.dataType, Shape(array.shape)).description, "\(name)")
            #expect(dense.dataType.rawValue == array.type && layout(found) == array.layout, "\(name) \(array.name)")
            let values = dense.doubles()
            let scale = values.reduce(1) { $0 + abs($1) }
            #expect(abs(values.reduce(0, +) - array.sum) <= scale * 1e-12, "\(name) \(array.name)")
            #expect((values.max() ?? 0) == array.largest, "\(name) \(array.name)")
        }
    }

    private func layout(_ array: MXNetArray) -> String {
        switch array.storage {
        case .rowSparse: "row_sparse"
        case .compressedRows: "csr"
        default: "default"
        }
    }
}
