import GraphIR
import TensorCore

/// Every operator that the project knows. `families` is the only place where they all are named.
public struct OperatorTable: Sendable {
    public static let standard = OperatorTable(OperatorFamily.all.flatMap(\.definitions))

    /// In the order of the list.
    public let definitions: [any OperatorDefinition]
    private let byName: [String: any OperatorDefinition]
    private let byMXNetName: [String: MXNetMeaning]
    private let byONNXType: [String: ONNXMapping]

    /// What an operator's name in a symbol means.
    public struct MXNetMeaning: Sendable {
        public let definition: any OperatorDefinition
        public let form: MXNetForm
        /// The name itself says that the data is quantized.
        public let namesQuantizedData: Bool
    }

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

    public subscript(name: String) -> (any OperatorDefinition)? { byName[name] }

    public func definition(of name: String) throws -> any OperatorDefinition {
        guard let definition = byName[name] else {
            throw ModelError(
                "operator \(name) is not known",
                advice: "the operators that are known are listed by 'requant operators'")
        }
        return definition
    }

    public func mapping(ofONNX type: String) -> ONNXMapping? { byONNXType[type] }

    public func meaning(ofMXNet name: String) -> MXNetMeaning? { byMXNetName[name] }
}
