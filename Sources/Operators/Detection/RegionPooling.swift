import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// A map of fixed size from each region; see `RegionPoolingKernel`.
struct RegionPooling: DetectionOperator {
    enum Kind { case max, aligned, positionSensitive }

    let kind: Kind
    let name: String
    let summary: String
    let mxnet: MXNetForm?
    let onnx: ONNXForm

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    /// src/operator/roi_pooling.cc. Its hidden output says which elements were the largest.
    static let max = RegionPooling(
        kind: .max, name: "ROIPooling", summary: "the largest elements of the parts of regions",
        mxnet: MXNetForm("ROIPooling", hiddenOutputs: { _ in 1 }),
        onnx: .mapped(
            ONNXMapping(
                "MaxRoiPool",
                write: { node, writing in
                    let (size, scale) = try RegionPooling.attributes(node)
                    writing.emit(
                        "MaxRoiPool", node, inputs: [try writing.name(node, 0), try writing.name(node, 1)],
                        attributes: [
                            ONNXAttribute("pooled_shape", .ints(size)), ONNXAttribute("spatial_scale", .float(scale)),
                        ])
                },
                read: { reading in
                    guard let size = try reading.integers("pooled_shape") else {
                        throw ModelError("pooled_shape is missing")
                    }
                    reading.define(
                        "ROIPooling",
                        [
                            "pooled_size": .integers(size),
                            "spatial_scale": .number(Double(try reading.number("spatial_scale") ?? 1)),
                        ])
                })))

    /// src/operator/contrib/roi_align.cc
    static let aligned = RegionPooling(
        kind: .aligned, name: "_contrib_ROIAlign", summary: "means of points of the parts of regions",
        mxnet: MXNetForm("_contrib_ROIAlign"),
        onnx: .composed { node, composition in
            let (size, scale) = try attributes(node)
            guard try node.attributes.boolean("position_sensitive") ?? false == false else {
                throw ModelError("ONNX's RoiAlign is not position-sensitive")
            }
            let regions = try composition.input(1)
            let images = composition(
                "Gather", regions, composition.constant(Tensor(scalar: Int64(0))),
                attributes: [ONNXAttribute("axis", .int(1))])
            let options = RoiAlign.Options(
                height: size[0], width: size[1],
                samples: Swift.max(try node.attributes.integer("sample_ratio") ?? 0, 0),
                scale: scale, isHalfPixel: try node.attributes.boolean("aligned") ?? false, takesMaximum: false)
            _ = composition(
                "RoiAlign", try composition.input(0), composition.slice(regions, 1..<5, axis: 1),
                composition.cast(images, to: .int64),
                attributes: try options.onnx(opset: composition.writing.opset), as: composition.writing.output(node))
        })

    /// src/operator/contrib/psroi_pooling.cc
    static let positionSensitive = RegionPooling(
        kind: .positionSensitive, name: "_contrib_PSROIPooling",
        summary: "means of the parts of regions, each from channels of its own",
        mxnet: MXNetForm("_contrib_PSROIPooling"), onnx: .unsupported(because: "ONNX has no operator for it"))

    private static func attributes(_ node: NodeReader) throws -> (size: [Int], scale: Float) {
        guard let size = try node.attributes.extents("pooled_size"),
            let scale = try node.attributes.number("spatial_scale"),
            size.count == 2 || size.count == 1
        else { throw ModelError("pooled_size or spatial_scale is missing or out of range") }
        return (size.count == 2 ? size : [size[0], size[0]], Float(scale))
    }

    func kernel(_ node: NodeReader) throws -> any Kernel {
        let (size, scale) = try Self.attributes(node), attributes = node.attributes
        let kernelKind: RegionPoolingKernel.Kind
        switch kind {
        case .max: kernelKind = .max
        case .aligned:
            let samples = try attributes.integer("sample_ratio") ?? -1
            kernelKind = .aligned(
                .init(
                    samples: samples > 0 ? samples : nil, isHalfPixel: try attributes.boolean("aligned") ?? false,
                    isPositionSensitive: try attributes.boolean("position_sensitive") ?? false))
        case .positionSensitive:
            guard let channels = try attributes.integer("output_dim"), channels > 0 else {
                throw ModelError("output_dim is missing or out of range")
            }
            let groups = try attributes.integer("group_size") ?? 0
            kernelKind = .positionSensitiveMean(channels: channels, groups: groups > 0 ? groups : size[0])
        }
        return RegionPoolingKernel(kernelKind, height: size[0], width: size[1], scale: scale)
    }

    private func example(_ title: String, _ attributes: String, channels: Int = 2, onnxSince: Int = 0)
        -> OperatorExample
    {
        OperatorExample(
            title,
            """
            %data: float32[2, \(channels), 6, 7] = input
            %regions: float32[3, 5] = parameter(0, 1, 2, 9, 11, 1, 0, 0, 13, 5, 0, 3, 3, 6, 8)
            %roi_output = \(name)(%data, %regions) {\(attributes), spatial_scale="0.5"}
            return %roi_output
            """, onnxSince: onnxSince)
    }

    var examples: [OperatorExample] {
        switch kind {
        case .max: [example("parts that share elements", #"pooled_size="(3, 2)""#)]
        case .aligned:
            [
                example("as many samples as elements", #"pooled_size="(3, 2)""#),
                example(
                    "two samples, by centres", #"aligned="True", pooled_size="(2, 2)", sample_ratio="2""#, onnxSince: 16
                ),
                example(
                    "position-sensitive", #"pooled_size="(2, 2)", position_sensitive="True", sample_ratio="1""#,
                    channels: 8, onnxSince: .max),
            ]
        case .positionSensitive: [example("four parts", #"output_dim="2", pooled_size="2""#, channels: 8)]
        }
    }
}
