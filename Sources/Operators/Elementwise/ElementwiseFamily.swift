extension OperatorFamily {
    /// Functions of each element, arithmetic of two tensors, and what hands elements on or makes them.
    static let elementwise = OperatorFamily(
        name: "Elementwise",
        definitions: arithmeticOperators.map(quantizable) + unaryOperators + identityOperators + activationOperators
            + generatedTensors + ONNXGenerated.Kind.allCases.map { ONNXGenerated(kind: $0) } + [
                AddN(), Where(broadcasts: false), Where(broadcasts: true), Cast(.cast), Cast(.amp), CastLike(),
                AMPMulticast(),
            ])

    /// Gives the operators that MXNet has on codes, too, that side.
    private static func quantizable(_ definition: any OperatorDefinition) -> any OperatorDefinition {
        switch definition.name {
        case "elemwise_add": QuantizableArithmetic(float: definition, codes: SumOfCodes())
        case "elemwise_mul": QuantizableArithmetic(float: definition, codes: ProductOfCodes())
        default: definition
        }
    }
}
