import TensorCore

/// Which channels (axis 1) are zero for all data: dead ones cost time and tell nothing; those that live in the reference
/// were lost in quantization.
public struct ChannelActivity: Sendable, Equatable {
    private var reference: [Bool] = []
    private var candidate: [Bool] = []

    public init() {}

    /// Looks at one more batch; values without an axis of channels tell nothing.
    /// - Throws: `ModelError` if the shapes differ.
    public mutating func add(reference: Tensor, candidate: Tensor) throws {
        try requireSameShape(reference, candidate)
        guard reference.shape.rank >= 2 else { return }
        Self.mark(reference, &self.reference)
        Self.mark(candidate, &self.candidate)
    }

    private static func mark(_ tensor: Tensor, _ isAlive: inout [Bool]) {
        let channels = tensor.shape[1]
        if isAlive.count != channels { isAlive = [Bool](repeating: false, count: channels) }
        let plane = tensor.shape.dimensions.dropFirst(2).reduce(1, *)
        guard plane > 0 else { return }
        tensor.asFloat32().withElements(as: Float.self) { values in
            for start in stride(from: 0, to: values.count, by: plane) {
                let channel = start / plane % channels
                // Most channels show in the first samples that they live.
                if !isAlive[channel] { isAlive[channel] = values[start..<start + plane].contains { $0 != 0 } }
            }
        }
    }

    /// Nil if no value had channels.
    public var summary: DeadChannels? {
        guard !candidate.isEmpty else { return nil }
        func dead(_ isAlive: [Bool]) -> [Int] { isAlive.indices.filter { !isAlive[$0] } }
        return DeadChannels(count: candidate.count, dead: dead(candidate), deadInReference: dead(reference))
    }
}

/// Channels that are zero for all data.
public struct DeadChannels: Sendable, Equatable, Codable {
    /// How many channels there are.
    public var count: Int
    /// The indices of those that are zero in the candidate, and of those that are in the reference.
    public var dead: [Int]
    /// The indices of those that are zero in the reference.
    public var deadInReference: [Int]

    /// Those that the candidate alone has lost.
    public var lost: [Int] {
        let others = Set(deadInReference)
        return dead.filter { !others.contains($0) }
    }
}
