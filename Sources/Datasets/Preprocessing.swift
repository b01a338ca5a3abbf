import TensorCore

/// What happens to images before a model sees them, in the order of MXNet's ImageRecordIter:
///
///     resize the shorter edge → cut out the centre → order the channels → (pixel − mean) · (scale / std)
///
/// Source: MXNet 1.9.1, src/io/image_aug_default.cc and src/io/iter_image_recordio_2.cc.
public struct Preprocessing: Sendable, Hashable {
    /// Pixels along the shorter edge after resizing, which is bilinear.
    public var resize: Int?
    /// What is cut out of the centre, height × width.
    public var crop: Size?
    /// One value, or one for each channel in the order that the model gets them; on pixels of 0 … 255.
    public var mean: [Float]
    /// One value, or one for each channel in the order that the model gets them; pixels of 0 … 255 are divided by it.
    public var standardDeviation: [Float]
    /// What the result is multiplied with.
    public var scale: Float
    /// One channel of luma instead of three.
    public var isGray: Bool
    /// Blue first instead of red.
    public var isBGR: Bool

    /// An extent in pixels.
    public struct Size: Sendable, Hashable {
        /// Rows of pixels.
        public var height: Int
        /// Columns of pixels.
        public var width: Int

        /// A size; whether it has pixels at all is checked when data is opened.
        public init(height: Int, width: Int) {
            self.height = height
            self.width = width
        }
    }

    /// By default nothing happens to pixels.
    public init(
        resize: Int? = nil, crop: Size? = nil, scale: Float = 1, mean: [Float] = [], standardDeviation: [Float] = [],
        isGray: Bool = false, isBGR: Bool = false
    ) {
        self.resize = resize
        self.crop = crop
        self.scale = scale
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.isGray = isGray
        self.isBGR = isBGR
    }

    /// Nothing happens to arrays; images become float32 of 0 … 255, RGB.
    public static let none = Preprocessing()

    /// - Throws: `ModelError` for sizes below 1 and deviations that are not above 0.
    func validate() throws {
        if let resize, !(1...65_500).contains(resize) {
            throw ModelError("an edge cannot be resized to \(resize) pixels")
        }
        if let crop, crop.height < 1 || crop.width < 1 { throw ModelError("a crop of \(crop) has no pixels") }
        guard standardDeviation.allSatisfy({ $0 > 0 }) else { throw ModelError("a standard deviation must be above 0") }
    }

    /// The image resized, in gray if asked.
    func resized(_ image: Image) throws -> Image {
        let image = isGray ? try image.gray() : image
        return try resize.map { try image.resized(shorterEdge: $0) } ?? image
    }

    /// Channels, height and width of what is left of a resized image.
    /// - Throws: `ModelError` if the image is smaller than the crop.
    func outputShape(of image: Image) throws -> Shape {
        guard let crop else { return [image.channels, image.height, image.width] }
        guard crop.height <= image.height, crop.width <= image.width else {
            throw ModelError(
                "the image is \(image.height)×\(image.width), smaller than the crop of \(crop)",
                advice: "resize it first (--resize)")
        }
        return [image.channels, crop.height, crop.width]
    }

    /// Crops, orders and normalizes a resized image into `target`, channels × height × width.
    func write(_ image: Image, shape: Shape, to target: UnsafeMutableBufferPointer<Float>) throws {
        let factors = try normalization(channels: image.channels)
        let height = shape[1], width = shape[2]
        let top = (image.height - height) / 2, left = (image.width - width) / 2
        image.pixels.withUnsafeBufferPointer { pixels in
            for channel in 0..<image.channels {
                let plane = isBGR && image.channels == 3 ? 2 - channel : channel
                let (mean, factor) = factors[channel]
                for y in 0..<height {
                    let source = (plane * image.height + top + y) * image.width + left
                    let row = (channel * height + y) * width
                    for x in 0..<width { target[row + x] = (Float(pixels[source + x]) - mean) * factor }
                }
            }
        }
    }

    /// Mean and scale / std of each channel.
    func normalization(channels: Int) throws -> [(mean: Float, factor: Float)] {
        for (name, values) in [("means", mean), ("standard deviations", standardDeviation)] {
            guard values.count <= 1 || values.count == channels else {
                throw ModelError("\(values.count) \(name) are given for \(channels) channels")
            }
        }
        func value(_ values: [Float], _ channel: Int, _ missing: Float) -> Float {
            values.isEmpty ? missing : values.count == 1 ? values[0] : values[channel]
        }
        return (0..<channels).map { (value(mean, $0, 0), scale / value(standardDeviation, $0, 1)) }
    }
}

extension Preprocessing.Size: CustomStringConvertible {
    /// `224×256`: height × width.
    public var description: String { "\(height)×\(width)" }
}
