import TensorCore

extension MatMulKernel {
    public func evaluate(_ operands: [Tensor]) throws -> [Tensor] {
        let sizes = try MatrixSizes(self, operands.map(\.type))
        let type = TensorType(operands[0].dataType, sizes.result)
        if type.dataType == .float32 {
            let products = products(operands[0].doubles(), operands[1].doubles(), sizes) { $0 += $1 * $2 }
            return [Tensor(products.map { Float($0) }, shape: type.shape)]
        }
        let products = products(operands[0].asInts(), operands[1].asInts(), sizes) { $0 &+= $1 &* $2 }
        return [Tensor(wholeNumbers: products, type)]
    }

    @inline(__always)
    private func products<Element: Numeric>(
        _ a: [Element], _ b: [Element], _ sizes: MatrixSizes, _ add: (inout Element, Element, Element) -> Void
    ) -> [Element] {
        let (rows, columns, depth) = (sizes.rows, sizes.columns, sizes.depth)
        let (rowStep, depthStep) = transposesA ? (1, rows) : (depth, 1)
        let (depthStepB, columnStep) = transposesB ? (1, depth) : (columns, 1)
        var results = [Element](repeating: 0, count: sizes.result.elementCount)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                results.withUnsafeMutableBufferPointer { results in
                    for (index, matrices) in sizes.matrices.enumerated() {
                        for row in 0..<rows {
                            let target = (index * rows + row) * columns
                            let startA = matrices.a * rows * depth + row * rowStep
                            for k in 0..<depth {
                                let factor = a[startA + k * depthStep]
                                let startB = matrices.b * depth * columns + k * depthStepB
                                for column in 0..<columns {
                                    add(&results[target + column], factor, b[startB + column * columnStep])
                                }
                            }
                        }
                    }
                }
            }
        }
        return results
    }
}
