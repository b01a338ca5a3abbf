import GraphIR
import TensorCore

/// Every operator that the project knows. `families` is the only place where they all are named.
public struct OperatorTable: Sendable {
    /// All operators that are known.
    public static let standard = OperatorTable(OperatorFamily.all.flatMap(\.definitions))

    /// In the order of the list.
    public let definitions: [any OperatorDefinition]
    private let byName: [String: any OperatorDefinition]
    private let byMXNetName: [String: MXNetMeaning]
    private let byONNXType: [String: ONNXMapping]

    /// What an operator's name in a symbol means.
    public struct MXNetMeaning: Sendable {
        /// The operator that is meant.
        public let definition: any OperatorDefinition
        /// MXNet's form of it.
        public let form: MXNetForm
        /// The name itself says that the data is quantized.
        public let namesQuantizedData: Bool
    }

    /// A table of these operators.
    public init(_ definitions: [any OperatorDefinition]) {
        self.definitions = definitions
        byName = Dictionary(definitions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var meanings: [String: MXNetMeaning] = [:]
        for definition in definitions {
            guard let form = definition.mxnet else { continue }
            for name in form.names {
                meanings[name] = .init(definition: definition, form: form, namesQuantizedData: false)
            }
            if let name = form.quantizedName {
                meanings[name] = .init(definition: definition, form: form, namesQuantizedData: true)
            }
        }
        byMXNetName = meanings
        var mappings: [String: ONNXMapping] = [:]
        for definition in definitions {
            guard case .mapped(let mapping) = definition.onnx else { continue }
            for type in mapping.types { mappings[type] = mapping }
        }
        byONNXType = mappings
    }

    /// The operator of that name in the graph.
    public subscript(name: String) -> (any OperatorDefinition)? { byName[name] }

    /// The operator of that name in the graph.
    /// - Throws: `ModelError` with the nearest names if there is none.
    public func definition(of name: String) throws -> any OperatorDefinition {
        guard let definition = byName[name] else {
            throw ModelError(
                "operator \(name) is not known",
                advice: "the operators that are known are listed by 'requant operators'")
        }
        return definition
    }

    /// What an operator of ONNX means.
    public func mapping(ofONNX type: String) -> ONNXMapping? { byONNXType[type] }

    /// What an operator of MXNet means.
    public func meaning(ofMXNet name: String) -> MXNetMeaning? { byMXNetName[name] }
}
