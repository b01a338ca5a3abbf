import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// ONNX's RoiAlign: regions R×4 and the images that they lie in are two inputs, and the largest element may be taken
/// (onnx/defs/object_detection/defs.cc). Before opset 16, coordinates are those of MXNet's `aligned=False`.
struct RoiAlign: DetectionOperator {
    let name = "RoiAlign"
    let summary = "means or maxima of points of the parts of regions, as ONNX has it"
    let mxnet: MXNetForm? = nil

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "RoiAlign",
            write: { node, writing in
                let inputs = try (0..<3).map { try writing.name(node, $0) }
                writing.emit(
                    "RoiAlign", node, inputs: inputs,
                    attributes: try Options(node.attributes).onnx(opset: writing.opset))
            },
            read: { reading in
                let mode = reading.text("mode") ?? "avg"
                let coordinates =
                    reading.text("coordinate_transformation_mode")
                    ?? (reading.opset < 16 ? "output_half_pixel" : "half_pixel")
                guard ["avg", "max"].contains(mode), ["half_pixel", "output_half_pixel"].contains(coordinates) else {
                    throw ModelError("mode=\(mode), coordinate_transformation_mode=\(coordinates) is not known")
                }
                reading.define(
                    "RoiAlign",
                    [
                        "output_height": .integer(try reading.integer("output_height") ?? 1),
                        "output_width": .integer(try reading.integer("output_width") ?? 1),
                        "sampling_ratio": .integer(try reading.integer("sampling_ratio") ?? 0),
                        "spatial_scale": .number(Double(try reading.number("spatial_scale") ?? 1)),
                        "mode": .text(mode), "coordinate_transformation_mode": .text(coordinates),
                    ])
            }))

    struct Options {
        let height, width: Int
        /// 0 for as many as there are elements.
        let samples: Int
        let scale: Float
        let isHalfPixel, takesMaximum: Bool

        func onnx(opset: Int) throws -> [ONNXAttribute] {
            guard opset >= 16 || !isHalfPixel else {
                throw ModelError("regions by the centres of pixels need opset 16", advice: "give --opset 16 or newer")
            }
            var attributes = [
                ONNXAttribute("output_height", .int(height)), ONNXAttribute("output_width", .int(width)),
                ONNXAttribute("sampling_ratio", .int(samples)), ONNXAttribute("spatial_scale", .float(scale)),
                ONNXAttribute("mode", .string(takesMaximum ? "max" : "avg")),
            ]
            if opset >= 16 {
                attributes.append(
                    ONNXAttribute(
                        "coordinate_transformation_mode", .string(isHalfPixel ? "half_pixel" : "output_half_pixel")))
            }
            return attributes
        }
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 3...3 }

    func kernel(_ node: NodeReader) throws -> any Kernel {
        let options = try Options(node.attributes)
        return RegionPoolingKernel(
            .aligned(
                .init(
                    samples: options.samples > 0 ? options.samples : nil, isHalfPixel: options.isHalfPixel,
                    takesMaximum: options.takesMaximum)),
            height: options.height, width: options.width, scale: options.scale)
    }

    let examples = ["avg", "max"].map { mode in
        OperatorExample(
            "\(mode) of two samples",
            """
            %data: float32[2, 2, 6, 7] = input
            %regions: float32[3, 4] = parameter(1, 2, 9, 11, 0, 0, 13, 5, 3, 3, 6, 8)
            %images: int64[3] = parameter(0, 1, 0)
            %roi_output = RoiAlign(%data, %regions, %images) {output_height=3, output_width=2, sampling_ratio=2, \
            spatial_scale=0.5, mode="\(mode)", coordinate_transformation_mode="output_half_pixel"}
            return %roi_output
            """)
    }
}

extension RoiAlign.Options {
    init(_ attributes: Attributes) throws {
        func extent(_ name: String) throws -> Int {
            let extent = try attributes.integer(name) ?? 1
            guard 0...(1 << 30) ~= extent else { throw ModelError("\(name)=\(extent) is out of range") }
            return extent
        }
        self.init(
            height: try extent("output_height"), width: try extent("output_width"),
            samples: try attributes.integer("sampling_ratio") ?? 0,
            scale: try attributes.float("spatial_scale", default: 1),
            isHalfPixel: attributes.text("coordinate_transformation_mode") != "output_half_pixel",
            takesMaximum: attributes.text("mode") == "max")
    }
}
