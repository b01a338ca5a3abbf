import Foundation

/// Compares two symbol files node by node: operator, name, attributes (numbers as numbers), inputs, subgraphs, heads and
/// row pointers.
public struct SymbolDifference {
    /// Sentences; empty if the symbols are the same.
    public private(set) var differences: [String] = []
    /// Calibrated ranges may differ by so much.
    private let rangeTolerance: Double

    public init(_ ours: String, _ expected: String, rangeTolerance: Double = 0) throws {
        self.rangeTolerance = rangeTolerance
        compare(try Self.read(ours), try Self.read(expected), "symbol")
    }

    private static func read(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    private mutating func compare(_ a: [String: Any], _ b: [String: Any], _ place: String) {
        let ours = a["nodes"] as? [[String: Any]] ?? [], expected = b["nodes"] as? [[String: Any]] ?? []
        if ours.count != expected.count {
            differences.append("\(place): \(ours.count) nodes, expected \(expected.count)")
        }
        for (index, (x, y)) in zip(ours, expected).enumerated() {
            let here = "\(place) node \(index) (\(y["op"] ?? "") \(y["name"] ?? ""))"
            for key in ["op", "name"] where x[key] as? String != y[key] as? String {
                differences.append("\(here): \(key) is \(x[key] ?? "missing")")
            }
            compareAttributes(x["attrs"] as? [String: String] ?? [:], y["attrs"] as? [String: String] ?? [:], here)
            if edges(x["inputs"]) != edges(y["inputs"]) {
                differences.append("\(here): inputs \(edges(x["inputs"])), expected \(edges(y["inputs"]))")
            }
            let s = x["subgraphs"] as? [[String: Any]] ?? [], t = y["subgraphs"] as? [[String: Any]] ?? []
            if s.count != t.count { differences.append("\(here): \(s.count) subgraphs, expected \(t.count)") }
            for (u, v) in zip(s, t) { compare(u, v, here + " >") }
        }
        for key in ["arg_nodes", "node_row_ptr"] where a[key] as? [Int] != b[key] as? [Int] {
            differences.append("\(place): \(key) differs")
        }
        if edges(a["heads"]) != edges(b["heads"]) { differences.append("\(place): heads differ") }
    }

    private mutating func compareAttributes(_ a: [String: String], _ b: [String: String], _ place: String) {
        for key in Set(a.keys).union(b.keys).sorted() where !equal(a[key], b[key], key) {
            differences.append("\(place): \(key) is \(a[key] ?? "missing"), expected \(b[key] ?? "missing")")
        }
    }

    private func equal(_ a: String?, _ b: String?, _ key: String) -> Bool {
        guard let a, let b else { return false }
        if let x = Double(a), let y = Double(b) {
            return key.hasSuffix("_calib_range") ? abs(x - y) <= rangeTolerance : x == y
        }
        return a.replacingOccurrences(of: " ", with: "") == b.replacingOccurrences(of: " ", with: "")
    }

    /// Node, output and version of each entry.
    private func edges(_ value: Any?) -> [[Int]] { value as? [[Int]] ?? [] }
}
