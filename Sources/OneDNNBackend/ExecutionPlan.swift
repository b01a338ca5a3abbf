import COneDNN
import Kernels
import TensorCore

/// A program turned into calls of oneDNN: which primitive runs on which bytes, and in which layout they lie there.
///
/// A buffer of the program may exist in several *forms*: as it was produced, and in the layouts that later steps asked
/// for. Forms that mean the same bytes share a *storage*: a reshaped tensor, a sum that is written over its residual.
final class ExecutionPlan {
    struct Form {
        var layout: MemoryDescriptor
        var storage: Int
    }

    struct Storage {
        enum Place {
            case input(Int)
            case constant(Tensor)
            case arena
        }
        var place: Place
        var byteCount: Int
        /// The steps that touch it.
        var lifetime: ClosedRange<Int>
        /// The program's buffers that have a form in it.
        var buffers: Set<BufferID>
    }

    enum Action {
        case execute(Primitive, [(argument: Int32, form: Int)])
        /// The kernel's own loops, on row-major forms.
        case evaluate(any Kernel, operands: [(form: Int, TensorType)], results: [Int])
    }

    let program: KernelProgram
    let engine: Engine
    /// See `OneDNNExecutor.init`.
    let repeatsMXNetSums: Bool
    private(set) var forms: [Form] = []
    private(set) var storages: [Storage] = []
    /// For each step of the program what it does; one more brings the outputs into row-major order.
    private(set) var steps: [[Action]] = []
    private(set) var outputs: [Int] = []
    private var formsOfBuffer: [[Int]]
    /// The last step that reads each buffer; the number of steps for outputs.
    private var lastUses: [Int]

    init(_ program: KernelProgram, _ engine: Engine, repeatsMXNetSums: Bool) throws {
        self.repeatsMXNetSums = repeatsMXNetSums
        self.program = program
        self.engine = engine
        formsOfBuffer = [[Int]](repeating: [], count: program.types.count)
        lastUses = [Int](repeating: -1, count: program.types.count)
        for (index, step) in program.steps.enumerated() {
            for operand in step.operands { lastUses[operand.index] = index }
        }
        for output in program.outputs { lastUses[output.buffer.index] = program.steps.count }

        for (index, port) in program.inputs.enumerated() {
            try addForm(of: port.buffer, rowMajorLayout(of: port.buffer), .input(index))
        }
        for (buffer, tensor) in program.constants {
            try addForm(of: buffer, rowMajorLayout(of: buffer), .constant(tensor.aligned()))
        }
        for step in program.steps {
            steps.append([])
            try locating("node '\(step.node)'") {
                let isEmpty = step.results.contains { program.type(of: $0).shape.elementCount == 0 }
                if !isEmpty, let kernel = step.kernel as? any AcceleratedKernel, try kernel.compile(step, into: self) {
                    return
                }
                try addEvaluation(of: step)
            }
        }
        steps.append([])
        for port in program.outputs {
            let form = try rowMajorForm(of: port.buffer)
            touch(form)
            outputs.append(form)
        }
    }

    private var currentStep: Int { max(steps.count - 1, 0) }

    func type(of buffer: BufferID) -> TensorType { program.type(of: buffer) }

    // MARK: Forms

    /// The form in which the buffer was produced.
    func firstForm(of buffer: BufferID) -> Int { formsOfBuffer[buffer.index][0] }

    func layout(of buffer: BufferID) -> MemoryDescriptor { forms[firstForm(of: buffer)].layout }

    /// The buffer in a layout that a primitive wants: as it is, or reordered; a constant is reordered here and now.
    func form(of buffer: BufferID, as wanted: MemoryDescriptor) throws -> Int {
        if let form = existingForm(of: buffer, as: wanted) { return form }
        let source = try sourceForm(of: buffer, for: wanted)
        if forms[source].layout.matches(wanted) { return addForm(of: buffer, wanted, sharing: source) }

        if case .constant(let tensor) = storages[forms[source].storage].place {
            let reordered = try reorder(tensor, from: forms[source].layout, to: wanted)
            return try addForm(of: buffer, wanted, .constant(reordered))
        }
        let form = try addForm(of: buffer, wanted, .arena)
        try addReorder(from: source, to: form)
        return form
    }

    func rowMajorForm(of buffer: BufferID) throws -> Int { try form(of: buffer, as: rowMajorLayout(of: buffer)) }

    /// Row-major, with the buffer's own type; opaque bytes where oneDNN does not know the type.
    func rowMajorLayout(of buffer: BufferID) throws -> MemoryDescriptor {
        let type = type(of: buffer)
        return try MemoryDescriptor(type, .rowMajor) ?? MemoryDescriptor(dnnl_u8, [type.byteCount], .rowMajor)
    }

    private func existingForm(of buffer: BufferID, as wanted: MemoryDescriptor) -> Int? {
        formsOfBuffer[buffer.index].first { dnnl_memory_desc_equal(forms[$0].layout.pointer, wanted.pointer) != 0 }
    }

    /// A form with the dimensions of `wanted`; weights are asked for with their groups as an axis of its own.
    private func sourceForm(of buffer: BufferID, for wanted: MemoryDescriptor) throws -> Int {
        let candidates = formsOfBuffer[buffer.index].filter { forms[$0].layout.dimensions == wanted.dimensions }
        if let form = candidates.first(where: { forms[$0].layout.matches(wanted) }) ?? candidates.first { return form }
        let view = try MemoryDescriptor(layout(of: buffer).dataType, wanted.dimensions, .rowMajor)
        return addForm(of: buffer, view, sharing: try rowMajorForm(of: buffer))
    }

    /// The row-major bytes of a buffer, read through another descriptor, in the layout that a primitive wants. Its axes
    /// are not the buffer's, so that it is none of the buffer's own forms.
    func form(of buffer: BufferID, seenAs view: MemoryDescriptor, as wanted: MemoryDescriptor) throws -> Int {
        let source = try rowMajorForm(of: buffer)
        if case .constant(let tensor) = storages[forms[source].storage].place {
            return addUnownedForm(wanted, .constant(try reorder(tensor, from: view, to: wanted)))
        }
        let seen = addView(of: source, view)
        if view.matches(wanted) { return seen }
        let form = addUnownedForm(wanted, .arena)
        try addReorder(from: seen, to: form)
        return form
    }

    /// The bytes of a form, read through another descriptor.
    func addView(of form: Int, _ layout: MemoryDescriptor) -> Int {
        forms.append(Form(layout: layout, storage: forms[form].storage))
        return forms.count - 1
    }

    /// A form of bytes that belong to no buffer of the program.
    private func addUnownedForm(_ layout: MemoryDescriptor, _ place: Storage.Place) -> Int {
        storages.append(
            Storage(place: place, byteCount: layout.byteCount, lifetime: currentStep...currentStep, buffers: []))
        forms.append(Form(layout: layout, storage: storages.count - 1))
        return forms.count - 1
    }

    /// A new form in new bytes.
    @discardableResult
    func addForm(of buffer: BufferID, _ layout: MemoryDescriptor, _ place: Storage.Place = .arena) throws -> Int {
        storages.append(
            Storage(
                place: place, byteCount: layout.byteCount, lifetime: currentStep...currentStep, buffers: [buffer]))
        return addForm(of: buffer, layout, inStorage: storages.count - 1)
    }

    /// A new form that is another view of the bytes of `form`, which may belong to another buffer.
    func addForm(of buffer: BufferID, _ layout: MemoryDescriptor, sharing form: Int) -> Int {
        addForm(of: buffer, layout, inStorage: forms[form].storage)
    }

    private func addForm(of buffer: BufferID, _ layout: MemoryDescriptor, inStorage storage: Int) -> Int {
        storages[storage].buffers.insert(buffer)
        forms.append(Form(layout: layout, storage: storage))
        formsOfBuffer[buffer.index].append(forms.count - 1)
        return forms.count - 1
    }

    /// Another view of the bytes of `form` for one primitive. It is not a form of the buffer: its elements are in another
    /// order.
    func addView(_ layout: MemoryDescriptor, of form: Int) -> Int {
        forms.append(Form(layout: layout, storage: forms[form].storage))
        return forms.count - 1
    }

    /// A constant that belongs to no buffer of the program.
    func addConstant(_ values: [Float]) throws -> Int {
        addUnownedForm(try MemoryDescriptor(dnnl_f32, [values.count], .rowMajor), .constant(Tensor(values)))
    }

    // MARK: Sums in place

    /// Where a step writes its result: new bytes, or, if it adds a residual, bytes that hold the residual.
    ///
    /// These are the residual's own if nobody reads them later, and a copy otherwise.
    func destination(
        of step: KernelProgram.Step, _ layout: MemoryDescriptor, residual: BufferID?, sumType: dnnl_data_type_t
    ) throws -> Int {
        guard let residual else { return try addForm(of: step.results[0], layout) }
        let residualLayout = layout.with(sumType)
        let source = formsOfBuffer[residual.index].first { forms[$0].layout.matches(residualLayout) }
        if let source, isFree(forms[source].storage, after: step) {
            return addForm(of: step.results[0], layout, sharing: source)
        }
        let result = try addForm(of: step.results[0], layout)
        forms.append(Form(layout: residualLayout, storage: forms[result].storage))
        try addReorder(from: source ?? formsOfBuffer[residual.index][0], to: forms.count - 1)
        return result
    }

    /// True if no later step reads the storage, and the step itself reads it once.
    private func isFree(_ storage: Int, after step: KernelProgram.Step) -> Bool {
        guard case .arena = storages[storage].place else { return false }
        let buffers = storages[storage].buffers
        return buffers.allSatisfy { lastUses[$0.index] <= currentStep }
            && step.operands.filter { buffers.contains($0) }.count == 1
    }

    // MARK: Actions

    func add(_ descriptor: PrimitiveDescriptor, _ arguments: [(argument: Int32, form: Int)]) throws {
        for (_, form) in arguments { touch(form) }
        steps[currentStep].append(.execute(try Primitive(descriptor), arguments))
    }

    private func addEvaluation(of step: KernelProgram.Step) throws {
        let operands = try step.operands.map { (form: try rowMajorForm(of: $0), type(of: $0)) }
        let results = try step.results.map { try addForm(of: $0, rowMajorLayout(of: $0)) }
        for form in operands.map(\.form) + results { touch(form) }
        steps[currentStep].append(.evaluate(step.kernel, operands: operands, results: results))
    }

    private func addReorder(from source: Int, to target: Int) throws {
        let descriptor = try reorderDescriptor(from: forms[source].layout, to: forms[target].layout)
        try add(descriptor, [(DNNL_ARG_FROM, source), (DNNL_ARG_TO, target)])
    }

    private func touch(_ form: Int) {
        let lifetime = storages[forms[form].storage].lifetime
        storages[forms[form].storage].lifetime = lifetime.lowerBound...max(lifetime.upperBound, currentStep)
    }
}

/// A kernel that oneDNN has primitives for.
protocol AcceleratedKernel: Kernel {
    /// Adds the actions that compute the step.
    /// - Returns: false, and adds nothing, if oneDNN cannot do it.
    func compile(_ step: KernelProgram.Step, into plan: ExecutionPlan) throws -> Bool
}
