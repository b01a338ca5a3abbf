import GraphIR
import ONNXFormat
import TensorCore

/// ONNX's Gemm: α · op(A) · op(B) + β · C. With stored weights B and a bias C it is a fully connected layer; otherwise
/// it is a product of matrices and a sum.
enum GemmReading {
    static func read(_ reading: inout ONNXReading) throws {
        let transposesA = try reading.integer("transA") ?? 0 != 0, transposesB = try reading.integer("transB") ?? 0 != 0
        let alpha = try reading.number("alpha") ?? 1
        let beta = reading.hasInput(2) ? try reading.number("beta") ?? 1 : 1
        if !transposesA, alpha == 1, beta == 1, let inputs = layer(&reading, transposesB),
            let weights = reading.storedShape(1)
        {
            return reading.define(
                "FullyConnected",
                [
                    "flatten": .text("True"), "no_bias": .text(reading.hasInput(2) ? "False" : "True"),
                    "num_hidden": .integer(transposesB ? weights[0] : weights[1]),
                ], inputs: inputs)
        }
        var attributes: Attributes = [:]
        if alpha != 1 { attributes["alpha"] = .number(Double(alpha)) }
        if transposesA { attributes["transpose_a"] = .text("True") }
        if transposesB { attributes["transpose_b"] = .text("True") }
        let factors = Array(reading.inputs.prefix(2))
        guard reading.hasInput(2) else { return reading.define("_linalg_gemm2", attributes, inputs: factors) }
        let product = reading.add("_linalg_gemm2", attributes, inputs: factors, suffix: "_product")
        var summand = reading.inputs[2]
        if beta != 1 {
            if let stored = reading.constant(2) {
                let scaled = stored.floats().map { $0 * beta }
                summand = reading.addParameter("_summand", Tensor(scaled, shape: stored.shape))
            } else {
                let factor = reading.addParameter("_beta", Tensor([beta]))
                summand = reading.add("broadcast_mul", inputs: [summand, factor], suffix: "_scaled")
            }
        }
        reading.define("broadcast_add", inputs: [product, summand])
    }

    /// The inputs of the fully connected layer that the node is; nil if it is none.
    private static func layer(_ reading: inout ONNXReading, _ transposesB: Bool) -> [ValueID?]? {
        guard let weights = reading.storedShape(1), weights.rank == 2 else { return nil }
        let units = transposesB ? weights[0] : weights[1]
        var inputs = reading.inputs
        if !transposesB {
            // Codes cannot be transposed without their grid.
            guard let stored = reading.constant(1) else { return nil }
            inputs[1] = reading.addParameter("_weight", stored.asFloat32().transposed())
        }
        guard reading.hasInput(2) else { return inputs }
        guard let bias = reading.storedShape(2) ?? reading.shape(2) else { return nil }
        if bias == [units] { return inputs }
        guard bias.elementCount == units, bias.dimensions.last == units, let stored = reading.constant(2) else {
            return nil
        }
        inputs[2] = reading.addParameter("_bias", stored.reshaped([units]))
        return inputs
    }
}
