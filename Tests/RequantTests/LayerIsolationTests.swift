import Comparison
import Datasets
import GraphIR
import Passes
import TensorCore
import TestSupport
import Testing

@testable import Requant

/// What a layer does by itself, and what has gathered on the way to it.
struct LayerIsolationTests {
    /// data → first · data → second · first: fully connected layers with one weight each.
    static func model(_ weights: [Float]) throws -> Model {
        var graph = Graph(name: "chain")
        var value = graph.addInput("data", type: ValueType(.float32, [1, 1]))
        for (name, weight) in zip(["first", "second"], weights) {
            let parameter = graph.addParameter(name + "_weight", Tensor([weight], shape: [1, 1]))
            let node = graph.add(
                NodeDraft(
                    name: name, op: "FullyConnected", attributes: ["num_hidden": .text("1"), "no_bias": .text("True")],
                    inputs: [value, parameter]))
            value = graph[node].outputs[0]
        }
        graph.setOutputs([value])
        var model = Model(graph: graph)
        try model.annotate()
        return model
    }

    private static func compare(_ a: Model, _ b: Model) throws -> ComparisonReport {
        try Fixtures.withTemporaryFolder { folder in
            try NumPyFile.write(Tensor([Float(1), 2], shape: [2, 1]), to: folder + "/data.npy")
            var options = DiffOptions()
            options.comparesLayers = true
            options.run.batchSize = 1
            return try a.compare(with: b, on: a.dataset(folder + "/data.npy"), options)
        }
    }

    /// 2 and 3 against 2.5 and 3.3, on 1 and 2. The first layer makes 2, 4 and 2.5, 5 of it; the second 6, 12 and, of the
    /// candidate's 2.5 and 5, 8.25 and 16.5: largest difference 4.5; but of the exact 2 and 4 only 6.6 and 13.2: 1.2.
    @Test func theLocalErrorIsThatOfExactInputs() throws {
        let report = try Self.compare(try Self.model([2, 3]), try Self.model([2.5, 3.3]))
        #expect(report.layers.map(\.origin) == ["first", "second"])
        let (first, second) = (report.layers[0], report.layers[1])
        #expect(first.maximumDifference == 1 && first.local?.maximumDifference == 1)
        #expect(abs(second.maximumDifference - 4.5) < 1e-5)
        #expect(abs((second.local?.maximumDifference ?? 0) - 1.2) < 1e-5)
        // 10 · log10((6² + 12²) / (0.6² + 1.2²)) = 20 dB.
        #expect(abs((second.local?.sqnr ?? 0) - 20) < 1e-4)
    }

    /// The first layers of an int8 model get the same codes in both ways; later ones do not.
    @Test func firstLayersHaveNothingGathered() throws {
        let network = ResidualNetwork.mnist
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let int8 = try Model.load(
            network.path("05-naive-postfused-auto-tw-full-symbol.json"), parameters: network.path("int8.params"))
        var options = DiffOptions()
        options.comparesLayers = true
        options.comparesWeights = true
        options.run.batchSize = 8
        options.run.batches = 1
        let report = try float.compare(with: int8, on: network.calibrationData(), options)
        for row in report.layers.prefix(2) { #expect(row.local?.sqnr == row.sqnr, "\(row.origin)") }
        #expect(report.layers.count == 23 && report.layers.allSatisfy { $0.local != nil })
        #expect(report.layers[1].candidateType == "int8" && report.layers[1].referenceType == "float32")
        #expect(report.layers.dropFirst(2).allSatisfy { $0.local?.sqnr != $0.sqnr })
        // 8-bit weights, a step of 1/127 of a channel's largest: better than 30 dB, and no less than every channel's own.
        let weights = try #require(report.weights)
        #expect(weights.count == 21 && weights.allSatisfy { $0.error.sqnr > 30 })
        for channel in weights[0].channels {
            let largest = channel.referenceRange.map(abs).max() ?? 0
            #expect(abs((channel.step ?? 0) / (largest / 127) - 1) < 1e-5)
        }
    }

    /// Without ranges each run finds them, also from the values that are put in.
    @Test func uncalibratedLayersAreComparedToo() throws {
        let network = ResidualNetwork.mnist
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let int8 = try float.quantized(QuantizationRecipe(without: .none)).model
        var options = DiffOptions()
        options.comparesLayers = true
        options.run.batchSize = 4
        options.run.batches = 1
        let report = try float.compare(with: int8, on: network.calibrationData(), options)
        #expect(report.layers.count == 23 && report.layers.allSatisfy { $0.local?.sqnr ?? 0 > 20 })
    }

    /// Quantized by MXNet, to ONNX, and back to MXNet: every layer still knows what it was.
    @Test func originsSurviveEveryFormat() throws {
        let network = ResidualNetwork.mnist
        let int8 = try Model.load(
            network.path("05-naive-postfused-auto-tw-full-symbol.json"), parameters: network.path("int8.params"),
            shapes: ["data": [1, 1, 28, 28]])
        try Fixtures.withTemporaryFolder { folder in
            _ = try int8.saveONNX(to: folder + "/int8.onnx")
            let onnx = try Model.load(folder + "/int8.onnx")
            _ = try onnx.saveMXNet(to: folder + "/back")
            for other in [onnx, try Model.load(folder + "/back")] {
                let alignment = try LayerAlignment(
                    reference: int8.comparableLayers, candidate: other.collapsed().comparableLayers)
                #expect(alignment.pairs.count == int8.comparableLayers.count)
                #expect(alignment.unmatchedCandidate.isEmpty)
            }
        }
    }

    @Test func structureTellsWhatFusionDid() throws {
        let network = ResidualNetwork.mnist
        let float = try Model.load(network.floatSymbol, parameters: network.floatParameters)
        let structure = try float.structure(comparedWith: try float.fused().model)
        // 19 BatchNorms, 16 relus and 8 sums went into 20 convolutions; one convolution has nothing behind it to take.
        #expect(structure.fused.count == 19 && structure.removed.isEmpty && structure.added.isEmpty)
        #expect(try float.structure(comparedWith: float).isEmpty)
    }
}

extension QuantizationRecipe {
    fileprivate init(without method: CalibrationMethod) {
        self.init()
        self.method = method
    }
}
