import GraphIR
import Kernels
import TensorCore

/// ONNX's reductions that MXNet lacks, as a sum of functions of the elements.
extension Reduction: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node, form = try ReductionForm(node.attributes), shape = try node.shape(0)
        let axes = try form.axes(of: shape)
        // MXNet's older reductions give no scalar.
        guard form.keepsAxes || axes.count < shape.rank, let operation = try? operation(node.attributes) else {
            return false
        }
        let x = try composition.input(0)
        let kept: Attributes = ["axis": .integers(axes), "keepdims": .text("True")]
        let asked: Attributes = ["axis": .integers(axes), "keepdims": .text(form.keepsAxes ? "True" : "False")]
        switch operation {
        case .absoluteSum: try composition.finish("sum", asked, composition.add("abs", [:], x))
        case .sumOfSquares: try composition.finish("sum", asked, composition.add("square", [:], x))
        case .euclideanNorm:
            let squares = composition.add("sum", asked, composition.add("square", [:], x))
            try composition.finish("sqrt", [:], squares)
        case .logSum: try composition.finish("log", [:], composition.add("sum", asked, x))
        case .logSumExp:
            // Relative to the largest, so that no exponential overflows.
            let largest = composition.add("max", kept, x)
            let powers = composition.add("exp", [:], composition.add("broadcast_sub", [:], x, largest))
            let sum = composition.add("log", [:], composition.add("sum", asked, powers))
            let offset = form.keepsAxes ? largest : composition.add("max", asked, x)
            try composition.finish("elemwise_add", [:], sum, offset)
        default: return false
        }
        return true
    }
}

/// The last of several largest elements is the first one from the other end.
extension ArgReduction: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node, shape = try node.shape(0)
        let kernel = try kernel(node.attributes, of: node.type(0))
        guard let axis = shape.normalized(axis: kernel.axis) else { return false }
        // MXNet's older operators give no scalar.
        guard kernel.keepsAxis || shape.rank > 1 else { return false }
        var source = try composition.input(0)
        if kernel.takesLast { source = composition.add("reverse", ["axis": .integers([axis])], source) }
        let attributes: Attributes = [
            "axis": .integer(axis), "keepdims": .text(kernel.keepsAxis ? "True" : "False"),
        ]
        var index = composition.add(findsLargest ? "argmax" : "argmin", attributes, source)
        if kernel.takesLast { index = composition.add("_rminus_scalar", scalar: Double(shape[axis] - 1), index) }
        try composition.finish("Cast", ["dtype": .text("int64")], index)
        return true
    }
}

extension FlattenedSoftmax: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node, form = try Form(node.attributes), shape = try node.shape(0)
        let x = try composition.input(0)
        var rows = x
        if form.flattens {
            let matrix = try form.matrix(of: shape)
            let extents = form.axis == 1 ? [0, -1] : matrix.dimensions
            rows = composition.add("Reshape", ["shape": .integers(extents)], x)
        }
        let axis: Attributes = ["axis": .integer(form.flattens ? -1 : form.axis)]
        switch form.function {
        case .softmax, .log_softmax:
            let result = composition.add(form.function == .softmax ? "softmax" : "log_softmax", axis, rows)
            try composition.finish("reshape_like", [:], result, x)
        case .hardmax:
            guard form.flattens || shape.normalized(axis: form.axis) == shape.rank - 1 else { return false }
            let length = try form.flattens ? form.matrix(of: shape)[1] : shape[shape.rank - 1]
            let result = composition.add(
                "one_hot", ["depth": .integer(length)],
                composition.add("argmax", ["axis": .integer(-1)], rows))
            try composition.finish("reshape_like", [:], result, x)
        }
        return true
    }
}
