/// Where each of the buffers lies in one common arena. Buffers whose lifetimes overlap never share a byte.
///
/// Largest first, each at the lowest place that is free while it lives: close to the optimum for chains and residual
/// blocks.
struct MemoryPlan {
    struct Request {
        var byteCount: Int
        /// The steps during which the bytes have to stay what they are.
        var lifetime: ClosedRange<Int>
    }

    /// Cache lines are not shared, and vector loads are aligned.
    static let alignment = 64

    private(set) var offsets: [Int]
    private(set) var byteCount = 0

    init(_ requests: [Request]) {
        offsets = [Int](repeating: 0, count: requests.count)
        var placed: [Int] = []  // ordered by offset
        for index in requests.indices.sorted(by: { (-requests[$0].byteCount, $0) < (-requests[$1].byteCount, $1) }) {
            let size = Self.aligned(requests[index].byteCount)
            var offset = 0
            for other in placed where requests[other].lifetime.overlaps(requests[index].lifetime) {
                if offset + size <= offsets[other] { break }
                offset = max(offset, offsets[other] + Self.aligned(requests[other].byteCount))
            }
            offsets[index] = offset
            byteCount = max(byteCount, offset + size)
            placed.insert(index, at: placed.firstIndex { offsets[$0] > offset } ?? placed.count)
        }
    }

    private static func aligned(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
}
