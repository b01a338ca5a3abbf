import GraphIR

/// Folds layers: the layers of a block become one box, and what repeats one after the other becomes one box with a count.
///
/// Two neighbours are alike if they are blocks of the same kind or do the same, on results of the same shape. Neighbours
/// in the order of computation can be folded without making a circle.
struct Outline {
    private(set) var plans: [BoxPlan]
    private let graph: Graph

    /// A reader can follow so many boxes.
    private static let wanted = 60
    /// And so many can be drawn of any model.
    private static let most = 600
    /// Layers that repeat together, such as the two of a depthwise separable convolution.
    private static let longestPeriod = 6

    init(_ layers: [BoxPlan], in graph: Graph) {
        self.graph = graph
        plans = layers
        foldBlocks()
        foldRepeats { Self.signature($0, graph, withShape: true) }
        if plans.count > Self.wanted { foldRepeats { Self.signature($0, graph, withShape: false) } }
        if plans.count > Self.most { foldRuns(of: (plans.count + Self.most - 1) / Self.most) }
    }

    /// The largest blocks that do not overlap.
    private mutating func foldBlocks() {
        var blockOfNode: [NodeID: Int] = [:]
        let blocks = Block.find(in: graph).sorted { $0.nodes.count > $1.nodes.count }
        for (index, block) in blocks.enumerated() where !block.nodes.contains(where: { blockOfNode[$0] != nil }) {
            for node in block.nodes { blockOfNode[node] = index }
        }
        var result: [BoxPlan] = []
        var place: [Int: Int] = [:]
        for plan in plans {
            guard let block = plan.nodes.compactMap({ blockOfNode[$0] }).first else {
                result.append(plan)
                continue
            }
            if let index = place[block] {
                result[index].nodes += plan.nodes
            } else {
                place[block] = result.count
                result.append(BoxPlan(nodes: plan.nodes, title: blocks[block].kind.title))
            }
        }
        plans = result
    }

    /// Of all periods at a place, the one that covers most boxes.
    private mutating func foldRepeats(_ signature: (BoxPlan) -> String) {
        let signatures = plans.map(signature)
        var result: [BoxPlan] = []
        var index = 0
        while index < plans.count {
            var (period, count) = (1, 1)
            for candidate in 1...Self.longestPeriod {
                let repeats = Self.repeats(signatures, at: index, period: candidate)
                if repeats > 1, repeats * candidate > period * count { (period, count) = (candidate, repeats) }
            }
            result.append(count == 1 ? plans[index] : folded(plans[index..<index + period * count], period, count))
            index += period * count
        }
        plans = result
    }

    private static func repeats(_ signatures: [String], at start: Int, period: Int) -> Int {
        var count = 1
        while start + (count + 1) * period <= signatures.count,
            signatures[start..<start + period].elementsEqual(
                signatures[(start + count * period)..<(start + (count + 1) * period)])
        { count += 1 }
        return count
    }

    private func folded(_ boxes: ArraySlice<BoxPlan>, _ period: Int, _ count: Int) -> BoxPlan {
        let unit = boxes.prefix(period)
        let title = unit.map { Self.title($0, graph) }.joined(separator: ", ")
        let inner = unit.count == 1 ? unit.first?.count ?? 1 : 1
        return BoxPlan(nodes: boxes.flatMap(\.nodes), title: title, count: count * inner)
    }

    private mutating func foldRuns(of length: Int) {
        plans = stride(from: 0, to: plans.count, by: length).map { start in
            let run = plans[start..<min(start + length, plans.count)]
            let nodes = run.flatMap(\.nodes)
            return BoxPlan(nodes: nodes, title: "\(nodes.count) nodes")
        }
    }

    private static func title(_ plan: BoxPlan, _ graph: Graph) -> String {
        let own =
            plan.title ?? plan.nodes.first { Operation.category(of: graph[$0]) != .quantizing }.map {
                Operation.title(of: graph[$0])
            } ?? plan.nodes.first.map { Operation.title(of: graph[$0]) } ?? ""
        return plan.count > 1 ? "\(plan.count) × \(own)" : own
    }

    private static func signature(_ plan: BoxPlan, _ graph: Graph, withShape: Bool) -> String {
        let content = plan.title ?? plan.nodes.map { graph[$0].op }.joined(separator: "+")
        guard withShape, let last = plan.nodes.last.map({ graph[$0] }) else { return content }
        let shape = last.outputs.first.flatMap { graph[$0].type?.shape?.description }
        let filters = plan.nodes.compactMap { graph[$0].attributes.text("num_filter").flatMap(Int.init) }.max()
        return content + "|" + (shape ?? filters.map { "\($0)" } ?? "")
    }
}
