import Requant

extension Trap {
    /// What was found, and where, in one line.
    var line: String { "\(rule): \(Wording.list(nodes, limit: 2)) – \(problem)" }
}
