import Kernels
import TensorCore
import Testing

/// Indices, order and reductions, with values computed by hand.
struct SelectionKernelTests {
    private let rows = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])

    @Test(arguments: [
        (IndexMode.clip, [1, 2, 5, 6] as [Float]?), (.wrap, [5, 6, 1, 2]), (.fromEnd, nil), (.raise, nil),
    ])
    func indicesOutside(_ mode: IndexMode, _ expected: [Float]?) throws {
        let kernel = GatherKernel(axis: 0, mode: mode), indices = Tensor([-1, 3] as [Int64])
        guard let expected else {
            #expect(throws: ModelError.self) { try kernel.evaluate([rows, indices]) }
            return
        }
        #expect(try kernel.evaluate([rows, indices])[0].floats() == expected)
    }

    @Test func anEmptyAxisHasNoIndex() {
        let empty = Tensor([] as [Float], shape: [0, 2])
        for mode in IndexMode.allCases {
            #expect(throws: ModelError.self) {
                try GatherKernel(axis: 0, mode: mode).evaluate([empty, Tensor([0] as [Int64])])
            }
        }
    }

    @Test(arguments: [(true, [3, 0, 1] as [Int]), (false, [2, 0, 1])])
    func equalElementsKeepTheirOrder(_ isLargest: Bool, _ expected: [Int]) throws {
        let data = Tensor([2, 2, 1, .nan] as [Float])
        let kernel = TopKKernel(axis: 0, count: 3, isLargest: isLargest, indexType: .int64)
        let order = try kernel.evaluate([data])[1].asInts()
        #expect(order == expected)
    }

    @Test func theLastOfEqualElements() throws {
        let data = Tensor([5, 1, 5, 1] as [Int64])
        func index(_ findsLargest: Bool, _ takesLast: Bool) throws -> [Int] {
            let kernel = ArgReductionKernel(
                findsLargest: findsLargest, axis: 0, keepsAxis: false, takesLast: takesLast, outputType: .int64)
            return try kernel.evaluate([data])[0].asInts()
        }
        #expect(
            try [index(true, false), index(true, true), index(false, false), index(false, true)] == [
                [0], [2], [1], [3],
            ])
    }

    /// 2^53 + 1 is no float64.
    @Test func wholeNumbersAreExact() throws {
        let data = Tensor([9_007_199_254_740_993, 0] as [Int64])
        let largest = ReductionKernel(.maximum, axes: [0], keepsAxes: false), sum = CumulativeSumKernel(axis: 0)
        #expect(try largest.evaluate([data])[0].asInts() == [9_007_199_254_740_993])
        #expect(try sum.evaluate([data])[0].asInts() == [9_007_199_254_740_993, 9_007_199_254_740_993])
        let product = try MatMulKernel().evaluate([data.reshaped([1, 2]), Tensor([1, 1] as [Int64], shape: [2, 1])])
        #expect(product[0].asInts() == [9_007_199_254_740_993])
    }

    @Test func nothingReduced() throws {
        let empty = Tensor([] as [Float], shape: [2, 0])
        func reduced(_ operation: ReductionKernel.Operation) throws -> [Float] {
            try ReductionKernel(operation, axes: [1], keepsAxes: false).evaluate([empty])[0].floats()
        }
        #expect(try reduced(.sum) == [0, 0] && reduced(.product) == [1, 1])
        #expect(try reduced(.maximum) == [-.infinity, -.infinity] && reduced(.logSumExp) == [-.infinity, -.infinity])
    }

    @Test func resultsAsLongAsDataDecides() throws {
        let data = Tensor([3, 0, 1, 3] as [Int32])
        #expect(try NonZeroKernel().evaluate([data])[0] == Tensor([0, 2, 3] as [Int64], shape: [1, 3]))
        let sorted = try UniqueKernel(axis: nil, isSorted: true).evaluate([data])
        #expect(sorted.map { $0.asInts() } == [[0, 1, 3], [1, 2, 0], [2, 0, 1, 2], [1, 1, 2]])
        let unsorted = try UniqueKernel(axis: nil, isSorted: false).evaluate([data])
        #expect(unsorted.map { $0.asInts() } == [[3, 0, 1], [0, 1, 2], [0, 1, 2, 0], [2, 1, 1]])
        let condition = Tensor([false, true], shape: [2])
        #expect(try CompressKernel(axis: 1).evaluate([rows, condition])[0].floats() == [2, 4, 6])
        #expect(throws: ModelError.self) { try CompressKernel(axis: 1).resultTypes([rows.type, condition.type]) }
    }
}
