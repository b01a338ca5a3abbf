import GraphIR
import TensorCore

/// A node of a model: a row of `requant inspect --layers`.
public struct LayerRow: Sendable, Codable {
    /// The name of the node.
    public var name: String
    /// Its name in `requant operators`.
    public var `operator`: String
    /// Of its first output: element type, shape where it is known, and grid of the codes.
    public var type: String
    /// Of the first result; nil if it is not known.
    public var shape: [Int]?
    /// The nodes of the file that it stands for.
    public var origins: [String]
}

/// What the elements of a parameter are like: a row of `requant inspect --weights`.
public struct WeightRow: Sendable, Codable {
    /// The name of the parameter.
    public var name: String
    /// The type of its elements: `float32`.
    public var type: String
    /// Outermost axis first.
    public var shape: [Int]
    /// In real units, also where the parameter is stored as codes.
    public var minimum: Double
    /// Of the real values; codes count as what they stand for.
    public var maximum: Double
    /// Of the real values.
    public var mean: Double
    /// Of the real values.
    public var standardDeviation: Double
    /// Indices along the first axis of which no element exceeds a millionth of the largest; nil for vectors.
    public var deadChannels: Int?
    /// Elements that are NaN or infinite; they count for nothing else.
    public var nonFinite: Int
}

extension Model {
    /// Every node, in the order of computation.
    public var layerRows: [LayerRow] {
        graph.topologicalOrder().map { graph[$0] }.map { node in
            let type = node.outputs.first.flatMap { graph[$0].type }
            return LayerRow(
                name: node.name, operator: node.op, type: type?.description ?? "unknown",
                shape: type?.shape?.dimensions, origins: node.origins)
        }
    }

    /// Every parameter, in the order of the graph.
    public var weightRows: [WeightRow] {
        graph.parameters.compactMap { value in
            value.tensor.map { WeightRow(value.name, $0, grid: value.type?.quantization?.grid) }
        }
    }
}

extension WeightRow {
    init(_ name: String, _ tensor: Tensor, grid: QuantizationGrid?) {
        let channels = tensor.shape.rank > 1 ? tensor.shape[0] : nil
        let channelSize = max(tensor.elementCount / max(channels ?? 1, 1), 1)
        var statistics = Statistics()
        var peaks = [Double](repeating: 0, count: channels ?? 0)
        tensor.asFloat32().withElements(as: Float.self) { elements in
            for index in elements.indices {
                let value = grid?.real(elements[index], at: index, of: tensor.shape) ?? Double(elements[index])
                guard statistics.add(value), channels != nil else { continue }
                peaks[index / channelSize] = max(peaks[index / channelSize], abs(value))
            }
        }
        let threshold = max(abs(statistics.minimum), abs(statistics.maximum)) * 1e-6
        self.init(
            name: name, type: tensor.dataType.description, shape: tensor.shape.dimensions,
            minimum: statistics.minimum, maximum: statistics.maximum, mean: statistics.mean,
            standardDeviation: statistics.standardDeviation,
            deadChannels: channels.map { _ in peaks.count { $0 <= threshold } }, nonFinite: statistics.nonFinite)
    }
}

/// Extremes, mean and deviation in one pass (Welford, *Technometrics* 4(3), 1962).
private struct Statistics {
    private(set) var minimum = 0.0
    private(set) var maximum = 0.0
    private(set) var mean = 0.0
    private(set) var nonFinite = 0
    private var count = 0.0
    private var squares = 0.0

    /// False if the value is left out because it is not finite.
    mutating func add(_ value: Double) -> Bool {
        guard value.isFinite else {
            nonFinite += 1
            return false
        }
        minimum = count == 0 ? value : min(minimum, value)
        maximum = count == 0 ? value : max(maximum, value)
        count += 1
        let distance = value - mean
        mean += distance / count
        squares += distance * (value - mean)
        return true
    }

    var standardDeviation: Double { count == 0 ? 0 : (squares / count).squareRoot() }
}

extension QuantizationGrid {
    /// What the code at a place of a tensor stands for.
    fileprivate func real(_ code: Float, at index: Int, of shape: Shape) -> Double {
        var step = steps[0]
        if let axis, steps.count > 1, axis < shape.rank {
            step = steps[index / shape.strides[axis] % shape[axis] % steps.count]
        }
        return (Double(code) - Double(zeroPoint)) * Double(step)
    }
}
