import GraphIR
import TensorCore

extension MXNetComposition {
    /// (x − mean) / √(variance + epsilon) along axes; the mean and the divisor's inverse, too.
    fileprivate mutating func standardized(
        _ x: ValueID, axes: [Int], epsilon: Float
    ) -> (result: ValueID, mean: ValueID, inverse: ValueID) {
        let mean = add("mean", ["axis": .integers(axes), "keepdims": .text("True")], x)
        let centred = add("broadcast_sub", [:], x, mean)
        let inverse = inverseRoot(ofMeanSquareOf: centred, axes: axes, epsilon: epsilon)
        return (add("broadcast_mul", [:], centred, inverse), mean, inverse)
    }

    /// 1 / √(mean of x² + epsilon)
    fileprivate mutating func inverseRoot(ofMeanSquareOf x: ValueID, axes: [Int], epsilon: Float) -> ValueID {
        let kept: Attributes = ["axis": .integers(axes), "keepdims": .text("True")]
        let square = add("mean", kept, add("square", [:], x))
        return add("rsqrt", [:], add("_plus_scalar", scalar: Double(epsilon), square))
    }
}

extension TrailingNormalization: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node
        let (range, epsilon) = try Self.parameters(node, node.shape(0).rank)
        let x = try composition.input(0), scale = try composition.input(1), axes = Array(range)
        let normalized: ValueID
        if kind == .layer {
            let parts = composition.standardized(x, axes: axes, epsilon: epsilon)
            normalized = parts.result
            for (output, value) in [(1, parts.mean), (2, parts.inverse)] {
                try composition.finish("_copy", [:], value, output: output)
            }
        } else {
            let inverse = composition.inverseRoot(ofMeanSquareOf: x, axes: axes, epsilon: epsilon)
            normalized = composition.add("broadcast_mul", [:], x, inverse)
        }
        guard node.hasInput(2) else {
            try composition.finish("broadcast_mul", [:], normalized, scale)
            return true
        }
        let scaled = composition.add("broadcast_mul", [:], normalized, scale)
        try composition.finish("broadcast_add", [:], scaled, composition.input(2))
        return true
    }
}

extension LpNormalization: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let attributes = composition.node.attributes, x = try composition.input(0)
        let kept: Attributes = ["axis": .integer(try attributes.integer("axis") ?? -1), "keepdims": .text("True")]
        let isLength = try attributes.integer("p") ?? 2 == 2
        let sum = composition.add("sum", kept, composition.add(isLength ? "square" : "abs", [:], x))
        try composition.finish("broadcast_div", [:], x, isLength ? composition.add("sqrt", [:], sum) : sum)
        return true
    }
}

extension MeanVarianceNormalization: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let axes = try composition.node.attributes.integers("axes") ?? [0, 2, 3]
        let parts = try composition.standardized(composition.input(0), axes: axes, epsilon: 0)
        try composition.finish("_copy", [:], parts.result)
        return true
    }
}
