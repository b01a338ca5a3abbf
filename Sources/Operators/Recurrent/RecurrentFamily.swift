extension OperatorFamily {
    /// Networks along a sequence.
    static let recurrent = OperatorFamily(
        name: "Recurrent",
        definitions: [
            RNN(), RecurrentParameterConcat(), RecurrentLayer(.lstm), RecurrentLayer(.gru), RecurrentLayer(.rnn),
        ])
}
