import Kernels
import TensorCore
import Testing

@Suite struct ArrangingKernelTests {
    private let counted = Tensor((0..<12).map { Int64($0) }, shape: [3, 4])

    private func integers(_ kernel: some Kernel, _ operands: Tensor...) throws -> [Int] {
        try kernel.evaluate(operands)[0].asInts()
    }

    @Test func viewsTransposeSliceReverseAndRepeat() throws {
        let transposed = StridedViewKernel(shape: [4, 3], strides: [1, 4])
        #expect(try integers(transposed, counted) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
        let sliced = StridedViewKernel(shape: [2, 2], strides: [4, -2], offset: 7)
        #expect(try integers(sliced, counted) == [7, 5, 11, 9])
        let repeated = StridedViewKernel(shape: [2, 3], strides: [0, 4], offset: 1)
        #expect(try integers(repeated, counted) == [1, 5, 9, 1, 5, 9])
    }

    @Test(arguments: DataType.allCases) func viewsTakeElementsOfAnyWidth(_ dataType: DataType) throws {
        let bytes = Tensor((0..<UInt8(6 * dataType.byteWidth)).map { $0 })
        let source = try Tensor(dataType: dataType, shape: [6], storage: bytes.storage, byteOffset: bytes.byteOffset)
        let reversed = try StridedViewKernel(shape: [6], strides: [-1], offset: 5).evaluate([source])[0]
        let expected = (0..<6).reversed().flatMap { index in
            (0..<dataType.byteWidth).map { UInt8(index * dataType.byteWidth + $0) }
        }
        #expect(reversed.dataType == dataType && reversed.asBytes().elements(as: UInt8.self) == expected)
    }

    @Test func viewsStayWithinTheirSource() throws {
        for view in [
            StridedViewKernel(shape: [4], strides: [4]), StridedViewKernel(shape: [2], strides: [-1]),
            StridedViewKernel(shape: [2], strides: [Int.max]), StridedViewKernel(shape: [1], strides: [1], offset: 12),
            StridedViewKernel(shape: [3], strides: [Int.max], offset: 1),
            StridedViewKernel(shape: [1], strides: [1], offset: -1), StridedViewKernel(shape: [2], strides: []),
        ] {
            #expect(throws: ModelError.self) { try view.evaluate([counted]) }
        }
        #expect(try integers(StridedViewKernel(shape: [0, 9], strides: [7, 7], offset: 99), counted) == [])
    }

    @Test func tensorsAreConcatenatedAlongAnyAxis() throws {
        let column = Tensor([100, 101, 102] as [Int64], shape: [3, 1])
        #expect(
            try integers(ConcatenateKernel(axis: 1), counted, column)
                == [0, 1, 2, 3, 100, 4, 5, 6, 7, 101, 8, 9, 10, 11, 102])
        let row = Tensor([7, 7, 7, 7] as [Int64], shape: [1, 4])
        #expect(try integers(ConcatenateKernel(axis: 0), row, counted) == [7, 7, 7, 7] + Array(0..<12))
        let none = Tensor([] as [Int64], shape: [3, 0])
        #expect(try integers(ConcatenateKernel(axis: 1), none, counted) == Array(0..<12))
        #expect(throws: ModelError.self) { try ConcatenateKernel(axis: 0).evaluate([counted, column]) }
        #expect(throws: ModelError.self) { try ConcatenateKernel(axis: 2).evaluate([counted]) }
        #expect(throws: ModelError.self) {
            try ConcatenateKernel(axis: 0).evaluate([row, Tensor([1, 2, 3, 4] as [Int32], shape: [1, 4])])
        }
    }

    @Test(arguments: [
        (PadKernel.Mode.constant(9), [9, 9, 0, 1, 2, 9, 9, 9]), (.edge, [0, 0, 0, 1, 2, 2, 2, 2]),
        (.reflect, [2, 1, 0, 1, 2, 1, 0, 1]), (.symmetric, [1, 0, 0, 1, 2, 2, 1, 0]),
        (.wrap, [1, 2, 0, 1, 2, 0, 1, 2]),
    ]) func bordersAreFilled(_ mode: PadKernel.Mode, _ expected: [Int]) throws {
        let line = Tensor([0, 1, 2] as [Int32])
        #expect(try integers(PadKernel(mode, begin: [2], end: [3]), line) == expected)
        let columns = try PadKernel(mode, begin: [2, 0], end: [3, 0]).evaluate([line.reshaped([3, 1])])[0]
        #expect(columns.asInts() == expected && columns.shape == [8, 1])
    }

    @Test func bordersOfAPlane() throws {
        let plane = Tensor([1, 2, 3, 4] as [UInt8], shape: [2, 2])
        let padded = PadKernel(.constant(7), begin: [1, 0], end: [0, 1])
        #expect(try integers(padded, plane) == [7, 7, 7, 1, 2, 7, 3, 4, 7])
        #expect(throws: ModelError.self) {
            try PadKernel(.edge, begin: [1], end: [0]).evaluate([Tensor([] as [Float])])
        }
        #expect(throws: ModelError.self) {
            try PadKernel(.edge, begin: [-1], end: [0]).evaluate([Tensor([1] as [Float])])
        }
    }

    @Test func trianglesKeepTheirSide() throws {
        let lower = TriangleKernel(upper: false, diagonal: 0), upper = TriangleKernel(upper: true, diagonal: 2)
        #expect(try integers(lower, counted) == [0, 0, 0, 0, 4, 5, 0, 0, 8, 9, 10, 0])
        #expect(try integers(upper, counted) == [0, 0, 2, 3, 0, 0, 0, 7, 0, 0, 0, 0])
        #expect(try integers(TriangleKernel(upper: true, diagonal: Int.max), counted) == [Int](repeating: 0, count: 12))
        #expect(try integers(TriangleKernel(upper: true, diagonal: Int.min), counted) == Array(0..<12))
    }

    @Test func sequencesTurnAroundUpToTheirLength() throws {
        let lengths = Tensor([3, 1, 0, 9] as [Int32])
        #expect(
            try integers(ReverseSequenceKernel(), counted, lengths) == [8, 1, 2, 11, 4, 5, 6, 7, 0, 9, 10, 3])
    }
}
