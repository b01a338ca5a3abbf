import Comparison

/// Everything that a report says, as it also stands in the page as JSON; `Schemas/report.schema.json` describes it.
public struct ReportData: Sendable, Codable {
    /// Above the page.
    public var title: String
    /// The first counts as right.
    public var models: [ModelFacts]
    /// The nodes of all models, model by model, in the order of computation.
    public var layers: [LayerFacts]
    /// The values that calibration finds ranges for; empty without data.
    public var ranges: [RangeFacts]
    /// Each model but the first, compared with the first; empty without data.
    public var comparisons: [ComparisonReport]
    /// What could not be measured, and why.
    public var notes: [String]

    public init(
        title: String, models: [ModelFacts], layers: [LayerFacts], ranges: [RangeFacts] = [],
        comparisons: [ComparisonReport] = [], notes: [String] = []
    ) {
        self.title = title
        self.models = models
        self.layers = layers
        self.ranges = ranges
        self.comparisons = comparisons
        self.notes = notes
    }
}

/// One model in a line.
public struct ModelFacts: Sendable, Codable {
    /// What the model is called.
    public var name: String
    /// The format and age of its file.
    public var format: String
    /// `float`, `fused`, `quantized`, `calibrated` or `post-fused`.
    public var stage: String
    /// Nodes that the outputs need.
    public var nodes: Int
    /// Layers with weights.
    public var weightedLayers: Int
    /// Those of them that work on codes.
    public var quantizedLayers: Int
    /// Elements of all parameters.
    public var parameters: Int
    /// What they take.
    public var parameterBytes: Int
    /// The time of all layers for one batch; nil where it was not measured.
    public var milliseconds: Double?
    /// Samples that ran at once when times were taken; nil without times.
    public var batchSize: Int?
    /// In 0…1; nil without labels.
    public var top1: Double?
    /// The share of images that it classifies as the first model does.
    public var agreement: Double?

    public init(
        name: String, format: String, stage: String, nodes: Int, weightedLayers: Int, quantizedLayers: Int,
        parameters: Int, parameterBytes: Int
    ) {
        self.name = name
        self.format = format
        self.stage = stage
        self.nodes = nodes
        self.weightedLayers = weightedLayers
        self.quantizedLayers = quantizedLayers
        self.parameters = parameters
        self.parameterBytes = parameterBytes
    }
}

/// One node of one model.
public struct LayerFacts: Sendable, Codable {
    /// The index of its model.
    public var model: Int
    /// The name of the node.
    public var node: String
    /// Its name in `requant operators`.
    public var `operator`: String
    /// The nodes of the float model that it stands for.
    public var origins: [String]
    /// `uint8 1×64×56×56`
    public var type: String
    /// Where its codes lie; nil for floating point, and for ranges that each run finds.
    public var range: [Double]?
    /// The median of its times, for one batch; nil without times.
    public var microseconds: Double?
    /// Of the time of its model, in 0…1.
    public var timeShare: Double?
    /// What computes it, as oneDNN calls it; nil without times.
    public var implementation: String?
    /// Against the first model, from the inputs on, in dB; nil where nothing differs or nothing was compared.
    public var sqnr: Double?
    /// Of this layer alone, from exact inputs.
    public var localSQNR: Double?
    /// The largest difference from the model that counts as right, in real units; nil without data.
    public var maximumDifference: Double?

    /// A layer without measurements yet.
    public init(model: Int, node: String, operator: String, origins: [String], type: String, range: [Double]? = nil) {
        self.model = model
        self.node = node
        self.operator = `operator`
        self.origins = origins
        self.type = type
        self.range = range
    }
}

/// What calibration data says of one value, and what each method would make of it.
public struct RangeFacts: Sendable, Codable {
    /// The range that a method of calibration would choose.
    public struct Threshold: Sendable, Codable {
        /// The method of calibration.
        public var method: String
        /// The lower end, in real values.
        public var minimum: Double
        /// The upper end, in real values.
        public var maximum: Double
        /// Σ (x − x̂)² / Σ x² of the histogram with codes of this range.
        public var noise: Double

        /// The range of a method.
        public init(method: String, minimum: Double, maximum: Double, noise: Double) {
            self.method = method
            self.minimum = minimum
            self.maximum = maximum
            self.noise = noise
        }
    }

    /// The name of the value.
    public var value: String
    /// The smallest element, in real values.
    public var minimum: Double
    /// The largest element, in real values.
    public var maximum: Double
    /// The edges of the bins are equally far from each other, from `low` to `high`.
    public var low: Double
    /// The upper edge of the last bin, in real values.
    public var high: Double
    /// Elements by bin.
    public var counts: [Int]
    /// What each method would choose.
    public var thresholds: [Threshold]
    /// The one with the least noise.
    public var best: String

    public init(
        value: String, minimum: Double, maximum: Double, low: Double, high: Double, counts: [Int],
        thresholds: [Threshold], best: String
    ) {
        self.value = value
        self.minimum = minimum
        self.maximum = maximum
        self.low = low
        self.high = high
        self.counts = counts
        self.thresholds = thresholds
        self.best = best
    }
}
