import COneDNN
import Kernels
import TensorCore

/// Runs a program with oneDNN's primitives: they are created, the weights reordered and the memory planned once, in
/// `init`. Steps that oneDNN has nothing for are computed by the kernels' own loops.
///
/// An executor is used by one thread at a time.
public final class OneDNNExecutor: Executor {
    /// The name on the command line.
    public static let name = "onednn"

    private enum Call {
        case execute(Primitive, [dnnl_exec_arg_t])
        case evaluate(any Kernel, operands: [(form: Int, TensorType)], results: [Int])
    }

    private let plan: ExecutionPlan
    private let threads: Int
    /// Activations, and behind them the scratch memory that all primitives share.
    private let arena: UnsafeMutableRawBufferPointer
    private let offsets: [Int: Int]
    /// For each form its view of the bytes; those of inputs move in every run.
    private let memories: [Memory]
    private let scratchpads: [Memory]
    private let calls: [[Call]]
    private var observers: [BufferID: Primitive] = [:]
    private var inputs: [Tensor] = []

    /// - Parameters:
    ///   - program: what is compiled.
    ///   - threads: as many as OMP_NUM_THREADS says, or one for each core, if it is nil.
    ///   - repeatsMXNetSums: takes the float32 convolutions that MXNet 1.9.1's oneDNN takes, so that sums come out equal to
    ///     the last bit. They may be slower.
    /// - Throws: `ModelError` that names the node if oneDNN refuses something.
    public init(_ program: KernelProgram, threads: Int? = nil, repeatsMXNetSums: Bool = false) throws {
        self.threads = threads ?? Engine.defaultThreads
        Engine.useThreads(self.threads)
        let plan = try ExecutionPlan(program, Engine(), repeatsMXNetSums: repeatsMXNetSums)
        self.plan = plan

        let storages = plan.storages.indices.filter { if case .arena = plan.storages[$0].place { true } else { false } }
        let memoryPlan = MemoryPlan(
            storages.map { .init(byteCount: plan.storages[$0].byteCount, lifetime: plan.storages[$0].lifetime) })
        offsets = Dictionary(uniqueKeysWithValues: zip(storages, memoryPlan.offsets))
        let scratchBytes = plan.steps.joined().map(\.scratchBytes).max() ?? 0
        arena = .allocate(byteCount: memoryPlan.byteCount + scratchBytes + 1, alignment: MemoryPlan.alignment)
        do {
            let scratch = arena.baseAddress.map { $0 + memoryPlan.byteCount }
            let (arena, offsets) = (arena, offsets)
            memories = try plan.forms.map { form in
                let bytes: UnsafeMutableRawPointer? =
                    switch plan.storages[form.storage].place {
                    case .arena: arena.baseAddress.map { $0 + (offsets[form.storage] ?? 0) }
                    case .constant(let tensor): tensor.withBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
                    case .input: nil
                    }
                return try Memory(form.layout, at: bytes, plan.engine)
            }
            var scratchpads: [Memory] = []
            let memories = memories
            calls = try plan.steps.map { actions in
                try actions.map { action in
                    switch action {
                    case .evaluate(let kernel, let operands, let results):
                        return .evaluate(kernel, operands: operands, results: results)
                    case .execute(let primitive, let arguments):
                        let scratchpad = try Memory(primitive.scratchpad, at: scratch, plan.engine)
                        scratchpads.append(scratchpad)
                        return .execute(
                            primitive,
                            arguments.map { dnnl_exec_arg_t(arg: $0.argument, memory: memories[$0.form].pointer) }
                                + [dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: scratchpad.pointer)])
                    }
                }
            }
            self.scratchpads = scratchpads
        } catch {
            arena.deallocate()
            throw error
        }
    }

    deinit { arena.deallocate() }

    /// Runs the program.
    public func run(
        _ inputs: [Tensor], observing observed: Set<BufferID>, _ observe: (BufferID, Tensor) throws -> Void
    ) throws -> [Tensor] {
        try start(inputs)
        defer { self.inputs = [] }
        for port in plan.program.inputs where observed.contains(port.buffer) {
            try observe(port.buffer, rowMajorCopy(of: port.buffer))
        }
        try plan.program.observeConstants(observed, observe)
        for (index, step) in plan.program.steps.enumerated() {
            try perform(step: index)
            for buffer in step.results where observed.contains(buffer) {
                try observe(buffer, rowMajorCopy(of: buffer))
            }
        }
        try perform(step: plan.program.steps.count)
        return zip(plan.program.outputs, plan.outputs).map { port, form in
            tensor(ofForm: form, plan.program.type(of: port.buffer))
        }
    }

    /// Runs once and measures each step of the program on the wall clock.
    public func profile(_ inputs: [Tensor]) throws -> [StepTiming] {
        try start(inputs)
        defer { self.inputs = [] }
        let clock = ContinuousClock()
        return try plan.program.steps.enumerated().map { index, step in
            let duration = try clock.measure { try perform(step: index) }
            return StepTiming(
                node: step.node, kernel: type(of: step.kernel).name,
                implementations: plan.steps[index].map(\.implementation), duration: duration)
        }
    }

    // MARK: Steps

    private func start(_ inputs: [Tensor]) throws {
        try plan.program.check(inputs)
        Engine.useThreads(threads)
        self.inputs = inputs.map { $0.aligned() }
        for (index, form) in plan.forms.enumerated() {
            guard case .input(let input) = plan.storages[form.storage].place else { continue }
            let bytes = self.inputs[input].withBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
            try memories[index].move(to: bytes)
        }
    }

    private func perform(step index: Int) throws {
        let place = index < plan.program.steps.count ? "node '\(plan.program.steps[index].node)'" : "the outputs"
        try locating(place) { for call in calls[index] { try perform(call) } }
    }

    private func perform(_ call: Call) throws {
        switch call {
        case .execute(let primitive, let arguments): try primitive.execute(arguments, plan.engine)
        case .evaluate(let kernel, let operands, let results):
            let tensors = try kernel.evaluate(operands.map { tensor(ofForm: $0.form, $0.1) })
            for (form, tensor) in zip(results, tensors) {
                tensor.withBytes { UnsafeMutableRawBufferPointer(mutating: bytes(ofForm: form)).copyMemory(from: $0) }
            }
        }
    }

    // MARK: Bytes

    private func bytes(ofForm form: Int) -> UnsafeRawBufferPointer {
        let storage = plan.storages[plan.forms[form].storage]
        switch storage.place {
        case .arena:
            let offset = offsets[plan.forms[form].storage] ?? 0
            return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(arena)[offset..<offset + storage.byteCount])
        case .constant(let tensor): return tensor.withBytes { $0 }
        case .input(let index): return inputs[index].withBytes { $0 }
        }
    }

    /// A tensor of its own with what lies in a row-major form; inputs and constants are not copied.
    private func tensor(ofForm form: Int, _ type: TensorType) -> Tensor {
        switch plan.storages[plan.forms[form].storage].place {
        case .input(let index) where inputs[index].type == type: inputs[index]
        case .constant(let tensor) where tensor.type == type: tensor
        default:
            Tensor(dataType: type.dataType, shape: type.shape) { target in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes(ofForm: form)[0..<target.count]))
            }
        }
    }

    /// What a buffer holds right after it was computed.
    private func rowMajorCopy(of buffer: BufferID) throws -> Tensor {
        let type = plan.program.type(of: buffer)
        let form = plan.firstForm(of: buffer)
        let target = try plan.rowMajorLayout(of: buffer)
        if plan.forms[form].layout.matches(target) { return tensor(ofForm: form, type) }
        let primitive =
            try observers[buffer]
            ?? Primitive(plan.reorderDescriptor(from: plan.forms[form].layout, to: target))
        observers[buffer] = primitive
        return try Tensor(dataType: type.dataType, shape: type.shape) { bytes in
            try primitive.reorder(memories[form], to: Memory(target, at: bytes.baseAddress, plan.engine), plan.engine)
        }
    }
}

/// What one step of a program cost.
public struct StepTiming: Sendable {
    /// The node of the graph that the step was made of.
    public var node: String
    /// `convolution`
    public var kernel: String
    /// What computed it, in order: `reorder of 1×64×7×7: jit:uni`, as oneDNN calls it, or `plain Swift`. Empty for a
    /// step that only is another view of the same bytes.
    public var implementations: [String]
    /// What the step took, its reorders included.
    public var duration: Duration
}

extension ExecutionPlan.Action {
    fileprivate var implementation: String {
        switch self {
        case .execute(let primitive, _): "\(primitive.descriptor.what): \(primitive.descriptor.implementation)"
        case .evaluate: "plain Swift"
        }
    }

    fileprivate var scratchBytes: Int {
        if case .execute(let primitive, _) = self { primitive.scratchpad.byteCount } else { 0 }
    }
}
