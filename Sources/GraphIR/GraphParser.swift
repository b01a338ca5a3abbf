import OrderedCollections
import TensorCore

/// Reads what `GraphPrinter` writes; people write it in the tests of passes. Values are defined before they are used.
///
///     graph      = "graph" [word] "{" statement* "}"
///     statement  = "metadata" attributes
///                | [result ("," result)* "="] operation
///                | result "=" "input" [attributes]
///                | result "=" "parameter" elements [attributes]
///                | "return" value ("," value)*
///     result     = value [":" type]
///     operation  = word "(" [operand ("," operand)*] ")" [attributes] ["name" "=" word]
///                  ["origins" "=" "[" [word ("," word)*] "]"] graph*
///     operand    = value | "_"
///     value      = "%" word                                               a word is bare, or any text in quotes
///     type       = dtype ["[" dimensions "]"] ["@" ("?" | attributes)]
///     attributes = "{" [word "=" attribute ("," word "=" attribute)*] "}"
///     attribute  = "text" | integer | number | ["integers" | "numbers" | "strings"] "[" … "]" | type elements
///     elements   = "(" [number ("," number)*] ")" | "(" "..." ")"
public struct GraphParser {
    private var lexer: GraphLexer
    /// The token that is looked at, and the line on which it begins.
    private(set) var token: GraphToken = .end
    private var line = 1
    /// The line of the token before it: what an error is about has been read already.
    private var lastLine = 1

    private init(_ text: String) { lexer = GraphLexer(text) }

    /// - Throws: `ModelError` that names the line.
    public static func parse(_ text: String) throws -> Graph {
        var parser = GraphParser(text)
        do {
            try parser.advance()
            let graph = try parser.graph(depth: 0)
            guard parser.token == .end else { throw parser.unexpected("the end of the text") }
            return graph
        } catch let error as ModelError where error.location.isEmpty {
            throw error.inside("line \(parser.lastLine)")
        }
    }

    // MARK: Statements

    private mutating func graph(depth: Int) throws -> Graph {
        guard depth < GraphText.depthLimit else {
            throw ModelError("bodies lie more than \(GraphText.depthLimit) deep in one another")
        }
        guard try accept(keyword: "graph") else { throw unexpected("'graph'") }
        var graph = Graph(name: token == .mark("{") ? "" : try word("a name or '{'"))
        var scope: [String: ValueID] = [:]
        try expect("{")
        while token != .mark("}") { try statement(&graph, &scope, depth: depth) }
        try advance()
        return graph
    }

    private mutating func statement(_ graph: inout Graph, _ scope: inout [String: ValueID], depth: Int) throws {
        if try accept(keyword: "metadata") {
            for (key, value) in try attributes() { graph.metadata[key] = value.description }
        } else if try accept(keyword: "return") {
            graph.setOutputs(try list { try $0.use(scope) })
        } else {
            try definition(&graph, &scope, depth: depth)
        }
    }

    private mutating func definition(_ graph: inout Graph, _ scope: inout [String: ValueID], depth: Int) throws {
        var results: [(name: String, type: ValueType?)] = []
        if token == .mark("%") {
            results = try list { try $0.result() }
            try expect("=")
        }
        for (index, result) in results.enumerated()
        where scope[result.name] != nil || results[..<index].contains(where: { $0.name == result.name }) {
            throw ModelError("'%\(result.name)' is defined twice")
        }
        var defined: [ValueID] = []
        if let first = results.first, try accept(keyword: "input") {
            defined = [graph.addInput(first.name, type: first.type, attributes: try optionalAttributes())]
        } else if let first = results.first, try accept(keyword: "parameter") {
            let tensor = try elements(of: first.type, "parameter '%\(first.name)'")
            defined = [
                graph.addParameter(
                    first.name, tensor, quantization: first.type?.quantization, attributes: try optionalAttributes())
            ]
        } else {
            let node = graph.add(try operation(results.map(\.name), scope, depth: depth))
            defined = graph[node].outputs
            for (value, result) in zip(defined, results) { graph.setType(result.type, of: value) }
        }
        guard defined.count == results.count else { throw ModelError("inputs and parameters define one value each") }
        for (value, result) in zip(defined, results) { scope[result.name] = value }
    }

    private mutating func operation(
        _ outputNames: [String], _ scope: [String: ValueID], depth: Int
    ) throws -> NodeDraft {
        if case .word(let text) = token, GraphText.keywords.contains(text) { throw unexpected("an operator") }
        let op = try word("an operator")
        let inputs = try bracketed("(", ")") { try $0.operand(scope) }
        let attributes = try optionalAttributes()
        var name = GraphText.nodeName(firstOutput: outputNames.first)
        if try accept(keyword: "name") {
            try expect("=")
            name = try word("a name")
        }
        guard let name else { throw ModelError("\(op) computes no value and has no name", advice: "write name=…") }
        var origins = [name]
        if try accept(keyword: "origins") {
            try expect("=")
            origins = try bracketed { try $0.word("the name of a node") }
        }
        var bodies: [Graph] = []
        while token == .word("graph") { bodies.append(try graph(depth: depth + 1)) }
        return NodeDraft(
            name: name, op: op, attributes: attributes, inputs: inputs, bodies: bodies, origins: origins,
            outputNames: outputNames)
    }

    private mutating func result() throws -> (name: String, type: ValueType?) {
        try expect("%")
        let name = try word("the name of a value")
        return (name, try accept(":") ? try type() : nil)
    }

    private mutating func operand(_ scope: [String: ValueID]) throws -> ValueID? {
        try accept(keyword: "_") ? nil : try use(scope)
    }

    private mutating func use(_ scope: [String: ValueID]) throws -> ValueID {
        try expect("%")
        let name = try word("the name of a value")
        guard let value = scope[name] else {
            let near = nearestNames(to: name, among: scope.keys).map { "%" + $0 }
            throw ModelError(
                "'%\(name)' is not defined above",
                advice: near.isEmpty ? nil : "did you mean \(near.joined(separator: " or "))?")
        }
        return value
    }

    // MARK: Tokens

    mutating func advance() throws {
        lastLine = line
        do { token = try lexer.next() } catch let error as ModelError { throw error.inside("line \(lexer.line)") }
        line = lexer.line
    }

    func unexpected(_ expected: String) -> ModelError {
        ModelError("\(token.description) is not expected here", at: "line \(line)", advice: "expected \(expected)")
    }

    mutating func accept(_ mark: Unicode.Scalar) throws -> Bool {
        guard token == .mark(mark) else { return false }
        try advance()
        return true
    }

    mutating func accept(keyword: String) throws -> Bool {
        guard token == .word(keyword) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ mark: Unicode.Scalar) throws {
        guard try accept(mark) else { throw unexpected("'\(mark)'") }
    }

    mutating func word(_ expected: String) throws -> String {
        switch token {
        case .word(let text), .quoted(let text):
            try advance()
            return text
        default: throw unexpected(expected)
        }
    }

    /// One element or more, with commas between them.
    mutating func list<Element>(_ element: (inout Self) throws -> Element) throws -> [Element] {
        var elements: [Element] = []
        repeat { elements.append(try element(&self)) } while try accept(",")
        return elements
    }

    /// Any number of elements in brackets.
    mutating func bracketed<Element>(
        _ open: Unicode.Scalar = "[", _ close: Unicode.Scalar = "]", _ element: (inout Self) throws -> Element
    ) throws -> [Element] {
        try expect(open)
        if try accept(close) { return [] }
        let elements = try list(element)
        try expect(close)
        return elements
    }
}
