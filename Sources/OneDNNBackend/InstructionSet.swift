import COneDNN

/// The vector instructions that oneDNN uses on this machine. `DNNL_MAX_CPU_ISA` in the environment lowers them.
public struct InstructionSet: Hashable, Sendable, CustomStringConvertible {
    /// oneDNN's name for it.
    public let name: String
    /// True if products of uint8 and int8 are summed in 32 bits at once. Without that, they are summed in pairs that
    /// saturate at 16 bits.
    public let hasVNNI: Bool

    /// What oneDNN uses on this machine.
    public static var current: InstructionSet {
        let isa = dnnl_get_effective_cpu_isa()
        let name = switch isa {
        case dnnl_cpu_isa_sse41: "SSE4.1"
        case dnnl_cpu_isa_avx: "AVX"
        case dnnl_cpu_isa_avx2: "AVX2"
        case dnnl_cpu_isa_avx2_vnni: "AVX2-VNNI"
        case dnnl_cpu_isa_avx512_core: "AVX512"
        case dnnl_cpu_isa_avx512_core_vnni: "AVX512-VNNI"
        case dnnl_cpu_isa_avx512_core_bf16: "AVX512-BF16"
        case dnnl_cpu_isa_avx512_core_amx: "AMX"
        default: "baseline"
        }
        // The enumeration is a bit set: 0x40 is AVX512-VNNI and part of everything newer, 0x400 is AVX2-VNNI.
        return InstructionSet(name: name, hasVNNI: isa.rawValue & 0x440 != 0)
    }

    /// What users of int8 results have to know, if there is something to know.
    public var warning: String? {
        if hasVNNI { return nil }
        return "\(name) has no VNNI: sums of uint8 · int8 products saturate in pairs, so that int8 results may differ "
            + "from those of other machines unless the weights stay within 7 bits"
    }

    /// oneDNN's name for it.
    public var description: String { name }
}
