import GraphIR
import Kernels
import ONNXFormat
import TensorCore

/// Images read at the places of a grid N×2×H'×W' of x and y in −1…1, between elements along straight lines, zeros
/// outside (src/operator/bilinear_sampler.cc).
struct BilinearSampler: OperatorDefinition {
    let name = "BilinearSampler"
    let summary = "images read at the places of a grid"
    let mxnet: MXNetForm? = MXNetForm("BilinearSampler", hiddenOutputs: { _ in 1 })
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            write: { node, writing in
                var parts = ONNXParts(node)
                let order = ONNXAttribute("perm", .ints([0, 2, 3, 1]))
                let grid = parts.emit("Transpose", [try writing.name(node, 1)], [order], &writing)
                writing.emit(
                    "GridSample", node, inputs: [try writing.name(node, 0), grid],
                    attributes: [
                        ONNXAttribute("align_corners", .int(1)),
                        ONNXAttribute("mode", .string(GridSample.modeName(.linear, writing.opset))),
                        ONNXAttribute("padding_mode", .string("zeros")),
                    ])
            }
        ).since(16))

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let source = try node.type(0).shape, let grid = try node.type(1).shape else {
            return [ValueType(.float32, nil)]
        }
        return [
            ValueType(.float32, try Self.kernel.resultTypes([source, grid].map { TensorType(.float32, $0) })[0].shape)
        ]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try (0..<2).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(Self.kernel, operands, node)))
    }

    static let kernel = GridSampleKernel(alignsCorners: true, gridIsChannelsFirst: true)

    let examples = [
        OperatorExample(
            "at given places",
            """
            %data: float32[2, 3, 4, 5] = input
            %grid: float32[2, 2, 3, 6] = input
            %sample_output = BilinearSampler(%data, %grid)
            return %sample_output
            """)
    ]
}

/// ONNX's GridSample: places N×H'×W'×2, or N×D'×H'×W'×3 for volumes.
struct GridSample: OperatorDefinition {
    let name = "GridSample"
    let summary = "images or volumes read at the places of a grid"
    let mxnet: MXNetForm? = nil
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")

    let onnx = ONNXForm.mapped(
        ONNXMapping(
            "GridSample",
            write: { node, writing in
                let kernel = try GridSample.kernel(node.attributes)
                writing.emit(
                    "GridSample", node, inputs: try (0..<2).map { try writing.name(node, $0) },
                    attributes: [
                        ONNXAttribute("align_corners", .int(kernel.alignsCorners ? 1 : 0)),
                        ONNXAttribute("mode", .string(GridSample.modeName(kernel.mode, writing.opset))),
                        ONNXAttribute("padding_mode", .string(kernel.padding.rawValue)),
                    ])
            },
            read: { reading in
                let names = ["bilinear": "linear", "bicubic": "cubic"]
                let mode = reading.text("mode") ?? "linear"
                reading.define(
                    "GridSample",
                    [
                        "align_corners": .integer(try reading.integer("align_corners") ?? 0),
                        "mode": .text(names[mode] ?? mode),
                        "padding_mode": .text(reading.text("padding_mode") ?? "zeros"),
                    ])
            }
        ).since(16))

    /// bilinear and bicubic until opset 19.
    static func modeName(_ mode: GridSampleKernel.Mode, _ opset: Int) -> String {
        mode == .nearest || opset >= 20 ? mode.rawValue : "bi" + mode.rawValue
    }

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let source = try node.type(0).shape, let grid = try node.type(1).shape else {
            return [ValueType(.float32, nil)]
        }
        let kernel = try Self.kernel(node.attributes)
        return [ValueType(.float32, try kernel.resultTypes([source, grid].map { TensorType(.float32, $0) })[0].shape)]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let operands = try (0..<2).map { try lowering.floatValue(node, $0) }
        lowering.define(node, LoweredValue(try lowering.add(Self.kernel(node.attributes), operands, node)))
    }

    private static func kernel(_ attributes: Attributes) throws -> GridSampleKernel {
        GridSampleKernel(
            mode: try attributes.choice("mode", default: .linear),
            padding: try attributes.choice("padding_mode", default: .zeros),
            alignsCorners: try attributes.boolean("align_corners") ?? false)
    }

    let examples = [("linear", "zeros"), ("cubic", "reflection"), ("nearest", "border")].map { mode, padding in
        OperatorExample(
            "\(mode), \(padding)",
            """
            %data: float32[2, 3, 4, 5] = input
            %grid: float32[2, 3, 6, 2] = input
            %sample_output = GridSample(%data, %grid) {align_corners=0, mode="\(mode)", padding_mode="\(padding)"}
            return %sample_output
            """)
    }
}

/// A grid for BilinearSampler (src/operator/grid_generator-inl.h): from matrices N×6 of an affine map and `target_shape`
/// (affine), or from how far each place moves, N×2×H×W in elements (warp).
struct GridGenerator: OperatorDefinition {
    enum Kind: String, CaseIterable { case affine, warp }

    let name = "GridGenerator"
    let summary = "the grid of an affine map, or of a flow"
    let mxnet: MXNetForm? = MXNetForm("GridGenerator", hiddenOutputs: { _ in 1 })
    let quantization = QuantizationRule.float(because: "places are not codes")
    let onnx = ONNXForm.unsupported(because: "grids are not written to ONNX yet")

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let shape = try node.type(0).shape else { return [ValueType(.float32, nil)] }
        guard try Self.kind(node) == .affine else { return [ValueType(.float32, shape)] }
        let size = try AffineGrid.size(node.attributes)
        return [ValueType(.float32, try Shape(checking: [shape.dimensions.first ?? 0, 2] + size))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let source = try lowering.floatValue(node, 0)
        if try Self.kind(node) == .affine {
            let size = try AffineGrid.size(node.attributes)
            let grid = try AffineGrid.lower(source, size, node, &lowering)
            return lowering.define(node, LoweredValue(grid))
        }
        let shape = try node.knownImageShape()
        guard shape[1] == 2 else { throw ModelError("a flow has two channels, but its data is \(shape)") }
        // (place + flow) / ((extent − 1) / 2) − 1
        let base = AffineGrid.base([shape[2], shape[3]], columns: 2)
        let factors = [shape[3], shape[2]].map { 2 / Float(max($0 - 1, 1)) }
        let scaled = try lowering.add(
            BinaryKernel(.multiply), [source, lowering.addConstant(Tensor(factors, shape: [2, 1, 1]))], node)
        let places = lowering.addConstant(base.transposed().reshaped([2, shape[2], shape[3]]))
        lowering.define(node, LoweredValue(try lowering.add(BinaryKernel(.add), [scaled, places], node)))
    }

    private static func kind(_ node: NodeReader) throws -> Kind {
        try node.attributes.choice("transform_type", default: .affine)
    }

    let examples = [
        OperatorExample(
            "affine",
            """
            %data: float32[2, 6] = input
            %grid_output = GridGenerator(%data) {target_shape="(3, 4)", transform_type="affine"}
            return %grid_output
            """),
        OperatorExample(
            "warp",
            """
            %data: float32[2, 2, 3, 4] = input
            %grid_output = GridGenerator(%data) {transform_type="warp"}
            return %grid_output
            """),
    ]
}

/// Images under an affine map: GridGenerator and BilinearSampler in one (src/operator/spatial_transformer-inl.h).
/// Inputs: data N×C×H×W, matrices N×6.
struct SpatialTransformer: OperatorDefinition {
    let name = "SpatialTransformer"
    let summary = "images under an affine map"
    let mxnet: MXNetForm? = MXNetForm("SpatialTransformer", hiddenOutputs: { _ in 2 })
    let quantization = QuantizationRule.float(because: "MXNet has no int8 form of it")
    let onnx = ONNXForm.unsupported(because: "grids are not written to ONNX yet")

    func inputCount(_ node: any NodeDescription) -> ClosedRange<Int> { 2...2 }

    func inferTypes(_ node: NodeReader) throws -> [ValueType] {
        guard let shape = try node.imageShape() else { return [ValueType(.float32, nil)] }
        return [ValueType(.float32, try Shape(checking: [shape[0], shape[1]] + AffineGrid.size(node.attributes)))]
    }

    func lower(_ node: NodeReader, _ lowering: inout Lowering) throws {
        let size = try AffineGrid.size(node.attributes)
        let grid = try AffineGrid.lower(lowering.floatValue(node, 1), size, node, &lowering)
        let operands = [try lowering.floatValue(node, 0), grid]
        lowering.define(node, LoweredValue(try lowering.add(BilinearSampler.kernel, operands, node)))
    }

    let examples = [
        OperatorExample(
            "enlarged",
            """
            %data: float32[2, 3, 4, 5] = input
            %matrix: float32[2, 6] = input
            %transform_output = SpatialTransformer(%data, %matrix) {sampler_type="bilinear", target_shape="(5, 7)", transform_type="affine"}
            return %transform_output
            """)
    ]
}

/// The places that affine maps send the elements of an image to.
enum AffineGrid {
    static func size(_ attributes: Attributes) throws -> [Int] {
        let size = try attributes.extents("target_shape") ?? []
        guard size.count == 2, size.allSatisfy({ 1...(1 << 20) ~= $0 }) else {
            throw ModelError("target_shape=(\(size.commaSeparated)) is not a height and a width")
        }
        return size
    }

    /// (H·W)×columns: x and y in −1…1, and 1, for each element of an image.
    static func base(_ size: [Int], columns: Int) -> Tensor {
        func place(_ index: Int, _ extent: Int) -> Float {
            extent > 1 ? -1 + Float(index) * 2 / Float(extent - 1) : -1
        }
        var values: [Float] = []
        for y in 0..<size[0] {
            for x in 0..<size[1] { values += [place(x, size[1]), place(y, size[0]), 1].prefix(columns) }
        }
        return Tensor(values, shape: [size[0] * size[1], columns])
    }

    /// Matrices N×6 → grids N×2×H×W: each row of a matrix times all places.
    static func lower(
        _ matrices: BufferID, _ size: [Int], _ node: NodeReader, _ lowering: inout Lowering
    ) throws -> BufferID {
        let shape = lowering.type(of: LoweredValue(matrices)).shape
        guard let count = shape.dimensions.first, shape.elementCount == 6 * count else {
            throw ModelError("needs matrices of 6 elements, but got \(shape)")
        }
        let rows = try lowering.reshape(matrices, to: [2 * count, 3], node)
        let base = lowering.addConstant(base(size, columns: 3))
        let places = try lowering.add(InnerProductKernel(), [rows, base], node)
        return try lowering.reshape(places, to: Shape([count, 2] + size), node)
    }
}

/// Between corners that are not aligned, places are as far apart as W to W − 1 of MXNet's.
extension GridSample: ComposedForMXNet {
    func compose(_ composition: inout MXNetComposition) throws -> Bool {
        let node = composition.node, kernel = try Self.kernel(node.attributes), shape = try node.shape(0)
        guard shape.rank == 4, kernel.mode == .linear, kernel.padding == .zeros,
            kernel.alignsCorners || (shape[2] > 1 && shape[3] > 1)
        else { return false }
        var grid = composition.add("transpose", ["axes": .integers([0, 3, 1, 2])], try composition.input(1))
        if !kernel.alignsCorners {
            let factors = [shape[3], shape[2]].map { Float($0) / Float($0 - 1) }
            grid = composition.add(
                "broadcast_mul", [:], grid, composition.constant(Tensor(factors, shape: [1, 2, 1, 1])))
        }
        try composition.finish("BilinearSampler", [:], composition.input(0), grid)
        return true
    }
}
