import Testing

@testable import OneDNNBackend

@Suite struct MemoryPlanTests {
    @Test func aChainNeedsItsTwoLargestNeighbours() {
        let plan = MemoryPlan([
            .init(byteCount: 640, lifetime: 0...1), .init(byteCount: 128, lifetime: 1...2),
            .init(byteCount: 640, lifetime: 2...3), .init(byteCount: 1, lifetime: 3...4),
        ])
        #expect(plan.byteCount == 768)
        #expect(plan.offsets.allSatisfy { $0 % MemoryPlan.alignment == 0 })
    }

    @Test(arguments: 0..<40) func liveBuffersNeverOverlap(_ seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let requests = (0..<Int.random(in: 1...80, using: &random)).map { step in
            MemoryPlan.Request(
                byteCount: Int.random(in: 0...5000, using: &random),
                lifetime: step...step + Int.random(in: 0...12, using: &random))
        }
        let plan = MemoryPlan(requests)
        for (i, a) in requests.enumerated() {
            #expect(plan.offsets[i] + a.byteCount <= plan.byteCount)
            for (j, b) in requests.enumerated() where i < j && a.lifetime.overlaps(b.lifetime) {
                let (start, other) = (plan.offsets[i], plan.offsets[j])
                #expect(start + a.byteCount <= other || other + b.byteCount <= start)
            }
        }
    }
}
