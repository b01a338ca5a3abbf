/// The one error of the project: what is wrong, where, why, and what the user can do.
///
/// `lenet-0000.params, byte 1284: array 'arg:conv1_weight' claims 2400 float32 values, but 1196 bytes remain; the file looks truncated.`
public struct ModelError: Error, Sendable, Equatable {
    /// From the outside in: file, byte or node, array.
    public var location: [String]
    /// What is wrong and why.
    public var problem: String
    /// What to do about it, if there is something to say.
    public var advice: String?

    /// An error; locations go from the outside in: file, node, attribute.
    public init(_ problem: String, at location: String..., advice: String? = nil) {
        self.location = location
        self.problem = problem
        self.advice = advice
    }

    /// The same error seen from further out: the file around the node, the node around the attribute. A place that the
    /// error names already moves to the front instead of standing there twice.
    public func inside(_ place: String) -> ModelError {
        var copy = self
        copy.location.removeAll { $0 == place }
        copy.location.insert(place, at: 0)
        return copy
    }
}

extension ModelError: CustomStringConvertible {
    /// One line: `WHERE: WHAT; WHAT TO DO.`
    public var description: String {
        let place = location.isEmpty ? "" : location.joined(separator: ", ") + ": "
        let text = place + problem + (advice.map { "; \($0)" } ?? "")
        return text.hasSuffix("?") ? text : text + "."
    }
}

/// Runs `body` and puts `place` in front of the location of a `ModelError` that leaves it.
public func locating<Result>(_ place: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as ModelError { throw error.inside(place()) }
}

/// The candidates that are closest to `name` in spelling, best first: at most three, none that is far off.
public func nearestNames(to name: String, among candidates: some Sequence<String>) -> [String] {
    let limit = max(2, name.count / 3)
    return Set(candidates)
        .map { ($0, editDistance(name, $0)) }
        .filter { candidate, distance in distance <= limit || candidate.contains(name) }
        .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        .prefix(3).map(\.0)
}

/// Levenshtein's distance: insertions, deletions and substitutions.
private func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8), b = Array(b.utf8)
    var row = Array(0...b.count)
    for i in 0..<a.count {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<b.count {
            let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
        }
    }
    return row[b.count]
}
