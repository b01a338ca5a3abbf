import ONNXFormat
import Operators
import TensorCore

/// One ONNX model for any batch, of the same model for two.
///
/// Types that differ get a name for the extent. Stored shapes that differ get a −1 where a Reshape uses them; everywhere
/// else they are computed when the model runs: factor · batch + offset, with the batch of the first input.
struct DynamicBatch {
    static let name = "batch"

    private let second: ONNXModel
    private var model: ONNXModel
    private var problems: [String] = []
    /// Nodes that compute extents; they stand before all others.
    private var computed: [ONNXNode] = []
    private var constants: [ONNXTensor] = []
    private let taken: Set<String>

    /// - Throws: `ModelError` that lists everything that is for one batch only.
    static func merge(_ first: ONNXModel, _ second: ONNXModel) throws -> ONNXModel {
        var merging = DynamicBatch(first, second)
        merging.compareNodes()
        merging.compareConstants()
        guard merging.problems.isEmpty else {
            throw ModelError(
                "cannot be written for any batch: \(merging.problems.joined(separator: "; "))",
                advice: "write it for one, with --batch N")
        }
        merging.nameExtents()
        return merging.model
    }

    private init(_ first: ONNXModel, _ second: ONNXModel) {
        model = first
        self.second = second
        let body = first.graph
        taken = Set(body.nodes.flatMap(\.outputs) + body.initializers.map(\.name) + body.inputs.map(\.name))
    }

    private mutating func compareNodes() {
        let others = second.graph.nodes
        guard model.graph.nodes.count == others.count else {
            return problems.append("it has other nodes for another batch")
        }
        for (node, other) in zip(model.graph.nodes, others) where node != other {
            problems.append("'\(node.name)' (\(node.opType)) is another one for another batch")
        }
    }

    // MARK: Constants

    private mutating func compareConstants() {
        let others = Dictionary(second.graph.initializers.map { ($0.name, $0) }) { first, _ in first }
        var kept: [ONNXTensor] = []
        for constant in model.graph.initializers {
            guard let other = others[constant.name] else {
                problems.append("'\(constant.name)' is stored for one batch only")
                continue
            }
            if constant == other {
                kept.append(constant)
            } else if let shape = reshape(constant, other) {
                kept.append(shape)
            } else if !compute(constant, other) && !fill(constant, other) && !count(constant, other) {
                let users = model.graph.nodes.filter { $0.inputs.contains(constant.name) }.map { "'\($0.name)'" }
                problems.append("the elements that \(users.commaSeparated) stores depend on it")
            }
        }
        model.graph.initializers = kept + constants
        model.graph.nodes = computed + model.graph.nodes
    }

    /// The shape of a Reshape with a −1 for what depends on the batch.
    private func reshape(_ constant: ONNXTensor, _ other: ONNXTensor) -> ONNXTensor? {
        let users = model.graph.nodes.filter { $0.inputs.contains(constant.name) }
        let areReshapes = users.allSatisfy {
            $0.opType == "Reshape" && $0.inputs.firstIndex(of: constant.name) == 1 && $0.attribute("allowzero") == nil
        }
        guard areReshapes, let extents = extents(constant, other),
            !extents.contains(where: { !$0.dependsOnBatch && $0.offset == -1 }),
            extents.count(where: \.dependsOnBatch) == 1,
            extents.allSatisfy({ $0.isMultiple || !$0.dependsOnBatch })
        else { return nil }
        return ONNXTensor(
            name: constant.name, Tensor(extents.map { $0.dependsOnBatch ? -1 : Int64($0.offset) }))
    }

    private func extents(_ constant: ONNXTensor, _ other: ONNXTensor) -> [BatchExtent]? {
        guard constant.elementType == .int64, constant.shape.rank <= 1, constant.shape == other.shape,
            let first = try? constant.tensor().asInts(), let second = try? other.tensor().asInts()
        else { return nil }
        return BatchExtent.extents(first, second)
    }

    /// Computes a list of whole numbers, or a single one.
    private mutating func compute(_ constant: ONNXTensor, _ other: ONNXTensor) -> Bool {
        guard let extents = extents(constant, other), let list = compute(extents, constant.name) else { return false }
        if constant.shape.rank == 0 {
            let axes = add("\(constant.name)_axes", [0])
            emit("Squeeze", [list, axes], constant.name)
        } else {
            emit("Identity", [list], constant.name)
        }
        return true
    }

    /// Repeats an element that is the same everywhere: states of recurrent layers begin as zeros.
    private mutating func fill(_ constant: ONNXTensor, _ other: ONNXTensor) -> Bool {
        guard let extents = BatchExtent.extents(constant.shape.dimensions, other.shape.dimensions),
            constant.shape.elementCount > 0, let tensor = try? constant.tensor(), let larger = try? other.tensor()
        else { return false }
        guard tensor.isUniform, larger.isUniform, tensor.firstBytes == larger.firstBytes,
            let shape = compute(extents, "\(constant.name)_shape"),
            let single = try? Tensor(
                dataType: tensor.dataType, shape: [], storage: tensor.storage, byteOffset: tensor.byteOffset)
        else { return false }
        constants.append(ONNXTensor(name: "\(constant.name)_element", single))
        emit("Expand", ["\(constant.name)_element", shape], constant.name)
        return true
    }

    /// Counts elements that have one distance: start, start + step, start + 2 · step …, which `arange_like` makes.
    private mutating func count(_ constant: ONNXTensor, _ other: ONNXTensor) -> Bool {
        guard let extents = BatchExtent.extents(constant.shape.dimensions, other.shape.dimensions),
            let tensor = try? constant.tensor(), let larger = try? other.tensor(),
            let line = tensor.progression, larger.progression.map({ $0 == line }) ?? false,
            let length = BatchExtent(tensor.elementCount, larger.elementCount),
            let count = compute([length], "\(constant.name)_count"),
            let shape = compute(extents, "\(constant.name)_shape")
        else { return false }
        let name = unused(constant.name + "_line")
        constants.append(ONNXTensor(name: name + "_zero", Tensor(scalar: Int64(0))))
        constants.append(ONNXTensor(name: name + "_one", Tensor(scalar: Int64(1))))
        constants.append(ONNXTensor(name: name + "_step", Tensor(scalar: line.step).converted(to: tensor.dataType)))
        constants.append(ONNXTensor(name: name + "_start", Tensor(scalar: line.start).converted(to: tensor.dataType)))
        emit("Squeeze", [count, add(name + "_axes", [0])], name + "_limit")
        emit("Range", [name + "_zero", name + "_limit", name + "_one"], name + "_index")
        computed.append(
            ONNXNode(
                "Cast", name: name + "_number", inputs: [name + "_index"], outputs: [name + "_number"],
                attributes: [ONNXAttribute("to", .int(Int(constant.elementType.rawValue)))]))
        emit("Mul", [name + "_number", name + "_step"], name + "_scaled")
        emit("Add", [name + "_scaled", name + "_start"], name + "_row")
        emit("Reshape", [name + "_row", shape], constant.name)
        return true
    }

    /// The name of a list of extents that is computed; nil if there is no input with a batch.
    private mutating func compute(_ extents: [BatchExtent], _ name: String) -> String? {
        guard let batch = batch() else { return nil }
        let parts = extents.enumerated().map { index, extent -> String in
            let part = "\(name)_\(index)"
            guard extent.dependsOnBatch else { return add(part, [extent.offset]) }
            var value = batch
            if extent.factor != 1 {
                emit("Mul", [value, add(part + "_factor", [extent.factor])], part + "_product")
                value = part + "_product"
            }
            guard extent.offset != 0 else { return value }
            emit("Add", [value, add(part + "_offset", [extent.offset])], part)
            return part
        }
        let list = unused(name + "_list")
        computed.append(
            ONNXNode("Concat", name: list, inputs: parts, outputs: [list], attributes: [ONNXAttribute("axis", .int(0))])
        )
        return list
    }

    /// The name of the first input's first extent, as a list of one number.
    private mutating func batch() -> String? {
        let extent = unused("batch_extent")
        if computed.contains(where: { $0.name == extent }) { return extent }
        let others = Dictionary(second.graph.inputs.map { ($0.name, $0) }) { first, _ in first }
        guard let input = model.graph.inputs.first(where: { $0.firstExtent != others[$0.name]?.firstExtent }) else {
            return nil
        }
        emit("Shape", [input.name], extent + "_shape")
        emit("Gather", [extent + "_shape", add(extent + "_index", [0])], extent)
        return extent
    }

    private mutating func add(_ name: String, _ values: [Int]) -> String {
        let name = unused(name)
        if !constants.contains(where: { $0.name == name }) {
            constants.append(ONNXTensor(name: name, Tensor(values.map(Int64.init))))
        }
        return name
    }

    private mutating func emit(_ type: String, _ inputs: [String], _ output: String) {
        computed.append(ONNXNode(type, name: output, inputs: inputs, outputs: [output]))
    }

    private func unused(_ name: String) -> String { taken.contains(name) ? unused(name + "_") : name }

    // MARK: Types

    private mutating func nameExtents() {
        let others = Dictionary(
            (second.graph.inputs + second.graph.outputs + second.graph.valueInfo).map { ($0.name, $0) }
        ) { first, _ in first }
        func named(_ info: ONNXValueInfo) -> ONNXValueInfo {
            guard case .tensor(let element, let dimensions?)? = info.type,
                case .tensor(_, let larger?)? = others[info.name]?.type, dimensions.count == larger.count
            else { return info }
            var copy = info
            copy.type = .tensor(element, shape: zip(dimensions, larger).map(Self.dimension))
            return copy
        }
        model.graph.inputs = model.graph.inputs.map(named)
        model.graph.outputs = model.graph.outputs.map(named)
        model.graph.valueInfo = model.graph.valueInfo.map(named)
    }

    /// `batch`, `4*batch`, or one without a name.
    private static func dimension(_ first: ONNXDimension, _ second: ONNXDimension) -> ONNXDimension {
        guard first != second else { return first }
        guard case .known(let a) = first, case .known(let b) = second, let extent = BatchExtent(a, b),
            extent.isMultiple
        else { return .unknown }
        return .symbolic(extent.factor == 1 ? name : "\(extent.factor)*\(name)")
    }
}

extension Tensor {
    fileprivate var firstBytes: [UInt8] { withBytes { Array($0.prefix(dataType.byteWidth)) } }

    /// The first element and the distance of all neighbours, if there is one.
    fileprivate var progression: (start: Double, step: Double)? {
        guard elementCount > 1, dataType == .float32 || dataType == .int64 || dataType == .int32 else { return nil }
        let numbers = doubles(), step = numbers[1] - numbers[0]
        let isLine = numbers.indices.allSatisfy { numbers[$0] == numbers[0] + Double($0) * step }
        return isLine ? (numbers[0], step) : nil
    }

    /// Whether all elements are the same.
    fileprivate var isUniform: Bool {
        let width = dataType.byteWidth
        return withBytes { bytes in bytes.dropFirst(width).elementsEqual(bytes.dropLast(width)) }
    }
}

extension ONNXValueInfo {
    fileprivate var firstExtent: Int? {
        guard case .tensor(_, let dimensions?)? = type, case .known(let extent)? = dimensions.first else { return nil }
        return extent
    }
}
