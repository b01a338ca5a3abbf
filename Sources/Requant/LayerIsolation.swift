import Comparison
import Datasets
import GraphIR
import Kernels
import Operators
import TensorCore

/// Finds what each layer of a candidate makes of the exact values that a reference has before it: its local error, while
/// the candidate's own run shows what has gathered on the way.
///
/// The candidate's graph is cut wherever a value goes from the nodes of one aligned origin to nodes of another; what comes
/// in there is the reference's value of the same origin, on the grid of the candidate's codes. So one run computes all
/// layers, each by itself:
///
///     conv ─ relu ─ pool        conv ─ relu    relu of the reference ─ pool
final class LayerIsolation {
    private let candidate: Model
    private let pairs: [LayerAlignment.Pair]
    private let options: RunOptions
    /// The cut model for each set of input shapes; nil where it cannot be computed.
    private var layers: [[String: Shape]: CutModel?] = [:]

    init(_ candidate: Model, _ pairs: [LayerAlignment.Pair], _ options: RunOptions) {
        self.candidate = candidate
        self.pairs = pairs
        self.options = options
    }

    private struct CutModel {
        let runner: ModelRunner
        let feeds: [CutGraph.Feed]
    }

    /// The layers' results as real values, by the names of the candidate's values. What cannot be computed by itself is
    /// left out: a local error is a help, and its lack is no reason to give up a comparison.
    func run(
        _ batch: Batch, references: [String: LayerObservation], candidates: [String: LayerObservation]
    ) -> [String: Tensor] {
        let shapes = batch.inputs.mapValues(\.shape)
        if layers[shapes] == nil {
            layers[shapes] = .some(try? cut(for: shapes, references, candidates))
        }
        guard let cut = layers[shapes] ?? nil else { return [:] }
        var inputs = batch.inputs
        for feed in cut.feeds {
            guard let reference = references[feed.pair.reference], let own = candidates[feed.pair.candidate] else {
                return [:]
            }
            inputs[feed.input] = tensor(for: feed, reference.reshaped(own.real.shape))
        }
        var results: [String: Tensor] = [:]
        do {
            _ = try cut.runner.run(inputs, observing: Set(pairs.map(\.candidate))) { name, tensor in
                results[name] = cut.runner.dequantized(tensor, of: name)
            }
        } catch {
            layers[shapes] = .some(nil)
            return [:]
        }
        return results
    }

    private func cut(
        for shapes: [String: Shape], _ references: [String: LayerObservation], _ candidates: [String: LayerObservation]
    ) throws -> CutModel {
        var model = try candidate.adapted(to: shapes)
        try TypeInference().annotate(&model.graph, shapes: shapes.filter { model.graph.value(named: $0.key) != nil })
        let known = pairs.filter { pair in
            guard let a = references[pair.reference], let b = candidates[pair.candidate] else { return false }
            return a.real.elementCount == b.real.elementCount
        }
        let cut = CutGraph(model.graph, pairs: known)
        var layers = Model(graph: cut.graph)
        try layers.annotate()
        let runner = ModelRunner(
            layers, engine: options.engine, arithmetic: options.arithmetic, threads: options.threads)
        return CutModel(runner: runner, feeds: cut.feeds)
    }

    private func tensor(for feed: CutGraph.Feed, _ reference: LayerObservation) -> Tensor {
        switch feed.form {
        case .float: reference.real
        case .codes(let dataType, let grid):
            (try? QuantizeKernel(
                factor: grid.codesPerUnit(dataType), zeroPoint: grid.zeroPoint, outputType: dataType
            ).evaluate([reference.real]).first) ?? reference.real
        }
    }
}
