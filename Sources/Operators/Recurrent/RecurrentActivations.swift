import GraphIR
import Kernels
import TensorCore

/// The activations of ONNX's recurrent layers: their names for all directions, and α and β for those that have some,
/// in the same order. All have defaults (onnx/defs/rnn/defs.cc).
struct RecurrentActivations {
    private let names: [String]
    private let alphas, betas: [Float]

    init(_ attributes: Attributes) throws {
        func numbers(_ name: String) throws -> [Float] {
            switch attributes[name] {
            case nil: []
            case .numbers(let numbers): numbers.map { Float($0) }
            default: throw ModelError("\(name) is not a list of numbers")
            }
        }
        if case .strings(let names)? = attributes["activations"] { self.names = names } else { names = [] }
        alphas = try numbers("activation_alpha")
        betas = try numbers("activation_beta")
    }

    /// The functions of one direction.
    /// - Throws: `ModelError` for too few, or one that is not known.
    func next(_ kind: RecurrentLayer.Kind, direction: Int) throws -> RecurrentKernel.Activations {
        let defaults: [String] =
            switch kind {
            case .lstm: ["Sigmoid", "Tanh", "Tanh"]
            case .gru: ["Sigmoid", "Tanh"]
            case .rnn: ["Tanh"]
            }
        guard !names.isEmpty else {
            return try activations(defaults.map { try function($0, alpha: nil, beta: nil) })
        }
        let range = direction * defaults.count..<(direction + 1) * defaults.count
        guard range.upperBound <= names.count else {
            throw ModelError("\(names.count) activations are not enough for its directions")
        }
        // Those before took the first α and β.
        let before = names[..<range.lowerBound]
        var alpha = alphas.dropFirst(before.count(where: takesAlpha))
        var beta = betas.dropFirst(before.count(where: takesBeta))
        return try activations(
            names[range].map { name in
                try function(
                    name, alpha: takesAlpha(name) ? alpha.popFirst() : nil,
                    beta: takesBeta(name) ? beta.popFirst() : nil)
            })
    }

    private func activations(_ functions: [[ActivationFunction]]) -> RecurrentKernel.Activations {
        .init(
            gates: functions[0], candidate: functions.count > 1 ? functions[1] : [],
            output: functions.count > 2 ? functions[2] : [])
    }

    private func takesAlpha(_ name: String) -> Bool {
        ["affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"].contains(name.lowercased())
    }

    private func takesBeta(_ name: String) -> Bool {
        ["affine", "scaledtanh", "hardsigmoid"].contains(name.lowercased())
    }

    /// Names are ONNX's whatever their case, as ONNX Runtime takes them.
    private func function(_ name: String, alpha: Float?, beta: Float?) throws -> [ActivationFunction] {
        switch name.lowercased() {
        case "relu": [ActivationFunction(.relu)]
        case "tanh": [ActivationFunction(.tanh)]
        case "sigmoid": [ActivationFunction(.sigmoid)]
        case "softsign": [ActivationFunction(.softsign)]
        case "softplus": [ActivationFunction(.softrelu)]
        case "affine": [ActivationFunction(.linear, alpha: alpha ?? 1, beta: beta ?? 0)]
        case "leakyrelu": [ActivationFunction(.relu, alpha: alpha ?? 0.01)]
        case "elu": [ActivationFunction(.elu, alpha: alpha ?? 1)]
        case "scaledtanh":
            [ActivationFunction(.linear, alpha: beta ?? 1), ActivationFunction(.tanh, scale: alpha ?? 1)]
        case "hardsigmoid":
            [
                ActivationFunction(.linear, alpha: alpha ?? 0.2, beta: beta ?? 0.5),
                ActivationFunction(.clip, alpha: 0, beta: 1),
            ]
        default: throw ModelError("activation \(name) is not supported")
        }
    }
}
