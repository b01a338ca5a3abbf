import GraphIR
import Requant
import TensorCore
import Testing

/// Statistics of parameters, computed by hand.
struct WeightRowTests {
    @Test func statisticsAndDeadChannels() throws {
        var graph = Graph(name: "g")
        graph.addParameter("w", Tensor([Float(1), 2, 0, 0], shape: [2, 2]))
        let row = try #require(Model(graph: graph).weightRows.first)
        #expect(row.minimum == 0 && row.maximum == 2 && row.mean == 0.75)
        #expect(abs(row.standardDeviation - 0.6875.squareRoot()) < 1e-12)
        #expect(row.deadChannels == 1 && row.nonFinite == 0)
    }

    /// real = (code − zero point) · step of its channel.
    @Test func codesAreReadOnTheirGrid() throws {
        var graph = Graph(name: "g")
        let codes = Tensor([Int8(3), -1, 1, 5], shape: [2, 2])
        let grid = QuantizationGrid(steps: [0.5, 2], axis: 0, zeroPoint: 1)
        graph.addParameter("w", codes, quantization: .known(grid))
        let row = try #require(Model(graph: graph).weightRows.first)
        // 1, −1, 0, 8
        #expect(row.minimum == -1 && row.maximum == 8 && row.mean == 2 && row.deadChannels == 0)
    }

    @Test func whatIsNotFiniteIsCountedOnly() throws {
        var graph = Graph(name: "g")
        graph.addParameter("b", Tensor([Float(1), .nan, .infinity]))
        let row = try #require(Model(graph: graph).weightRows.first)
        #expect(row.nonFinite == 2 && row.mean == 1 && row.maximum == 1 && row.deadChannels == nil)
    }
}
