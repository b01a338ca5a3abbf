import TensorCore

/// A map of fixed size from each region of N×C×H×W data: regions R×5 (image, left, top, right, bottom, in pixels of the
/// image, of which the data is `scale`; or regions R×4 and images R) → R×C×h×w, or for the position-sensitive kinds R×(C/(h·w))×h×w.
public struct RegionPoolingKernel: Kernel, Hashable {
    /// Which of them.
    public enum Kind: Hashable, Sendable {
        /// The largest element of each part, whose borders are rounded: MXNet's ROIPooling, ONNX's MaxRoiPool.
        case max
        /// Interpolated between elements at points spread evenly over each part, and the mean or the largest of them:
        /// ROIAlign. Without a number of samples, there is about one for each element.
        case aligned(Alignment)
        /// The mean of each part, each from channels of its own: MXNet's PSROIPooling.
        case positionSensitiveMean(channels: Int, groups: Int)
    }

    public struct Alignment: Hashable, Sendable {
        /// Along each axis.
        public var samples: Int?
        /// Coordinates mean the corners of pixels, not their centres, and regions may be smaller than a pixel.
        public var isHalfPixel: Bool
        public var isPositionSensitive: Bool
        public var takesMaximum: Bool

        public init(samples: Int?, isHalfPixel: Bool, isPositionSensitive: Bool = false, takesMaximum: Bool = false) {
            self.samples = samples
            self.isHalfPixel = isHalfPixel
            self.isPositionSensitive = isPositionSensitive
            self.takesMaximum = takesMaximum
        }
    }

    public static let name = "region pooling"
    /// Which of them.
    public var kind: Kind
    /// Rows of the result.
    public var height: Int
    /// Columns of the result.
    public var width: Int
    /// What is multiplied with it.
    public var scale: Float

    public init(_ kind: Kind, height: Int, width: Int, scale: Float) {
        self.kind = kind
        self.height = height
        self.width = width
        self.scale = scale
    }

    public func resultTypes(_ operands: [TensorType]) throws -> [TensorType] {
        guard 2...3 ~= operands.count, operands[0].shape.rank == 4, operands[1].shape.rank == 2, height > 0,
            width > 0, operands[1].shape[1] == (operands.count == 2 ? 5 : 4),
            operands.count == 2 || operands[2].shape == [operands[1].shape[0]]
        else { throw ModelError("data and regions of \(operands) do not fit each other") }
        let channels = operands[0].shape[1]
        let resultChannels: Int
        switch kind {
        case .max: resultChannels = channels
        case .aligned(let alignment):
            let parts = try alignment.isPositionSensitive ? Shape(checking: [height, width]).elementCount : 1
            guard channels % parts == 0 else {
                throw ModelError("\(channels) channels are not a multiple of \(parts), one for each part")
            }
            resultChannels = channels / parts
        case .positionSensitiveMean(let count, let groups):
            guard groups > 0, count > 0, try Shape(checking: [count, groups, groups]).elementCount == channels else {
                throw ModelError("\(channels) channels are not \(count) for each of \(groups)×\(groups) parts")
            }
            resultChannels = count
        }
        return [
            TensorType(.float32, try Shape(checking: [operands[1].shape[0], resultChannels, height, width]))
        ]
    }
}
