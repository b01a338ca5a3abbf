/// Operators that belong together; each family has a folder of its own.
public struct OperatorFamily: Sendable {
    /// The name of the folder.
    public let name: String
    /// The operators of the family.
    public let definitions: [any OperatorDefinition]

    /// Each family is listed in its folder, in `<Name>Family.swift`.
    public static let all = [
        layers, elementwise, shaping, reducing, indexing, products, normalizing, spatial, recurrent, detection,
        quantizing,
    ]
}
