import Kernels
import TensorCore

/// Where the parameters of MXNet's RNN lie in its one vector (src/operator/rnn-inl.h, GetRnnParamSize; the order is
/// cuDNN's):
///
///     for each layer, for each direction:   W (GH×I), R (GH×P), projection (P×H) if there is one
///     for each layer, for each direction:   the bias on the data (GH), the bias on the state (GH)
///
/// with G gates of H cells, P states (H without a projection), and I inputs: those of the data, or in later layers the
/// states of all directions.
struct PackedRecurrentParameters {
    let layers, directions, gates, cells, states: Int
    let hasProjection: Bool
    private let dataInputs: Int
    /// The length of the vector.
    let count: Int

    /// - Throws: `ModelError` if that many parameters fit into no memory.
    init(layers: Int, directions: Int, gates: Int, cells: Int, projection: Int?, inputs: Int) throws {
        self.layers = layers
        self.directions = directions
        self.gates = gates
        self.cells = cells
        states = projection ?? cells
        hasProjection = projection != nil
        dataInputs = inputs
        // More than there are, so that nothing below can overflow.
        _ = try Shape(checking: [layers, directions, gates + 1, cells, inputs + directions * states + states + 2])
        let gate = gates * cells, projected = projection.map { $0 * cells } ?? 0, states = projection ?? cells
        func length(_ inputs: Int) -> Int { directions * (gate * (inputs + states + 2) + projected) }
        count = length(inputs) + (layers - 1) * length(directions * states)
    }

    func inputs(ofLayer layer: Int) -> Int { layer == 0 ? dataInputs : directions * states }

    /// D×GH×I
    func weights(ofLayer layer: Int) -> StridedViewKernel {
        view([gates * cells, inputs(ofLayer: layer)], layer, offset: 0)
    }

    /// D×GH×P
    func recurrentWeights(ofLayer layer: Int) -> StridedViewKernel {
        view([gates * cells, states], layer, offset: gates * cells * inputs(ofLayer: layer))
    }

    /// D×P×H
    func projection(ofLayer layer: Int) -> StridedViewKernel {
        view([states, cells], layer, offset: gates * cells * (inputs(ofLayer: layer) + states))
    }

    /// D×2GH
    func biases(ofLayer layer: Int) -> StridedViewKernel {
        let extent = 2 * gates * cells
        return StridedViewKernel(
            shape: [directions, extent], strides: [extent, 1],
            offset: start(ofLayer: layers) + layer * directions * extent)
    }

    /// A matrix of each direction.
    private func view(_ matrix: Shape, _ layer: Int, offset: Int) -> StridedViewKernel {
        StridedViewKernel(
            shape: Shape([directions] + matrix.dimensions), strides: [weightCount(ofLayer: layer), matrix[1], 1],
            offset: start(ofLayer: layer) + offset)
    }

    /// What W, R and the projection of one direction have.
    private func weightCount(ofLayer layer: Int) -> Int {
        gates * cells * (inputs(ofLayer: layer) + states) + (hasProjection ? states * cells : 0)
    }

    private func start(ofLayer layer: Int) -> Int {
        layer == 0 ? 0 : directions * (weightCount(ofLayer: 0) + (layer - 1) * weightCount(ofLayer: 1))
    }
}
