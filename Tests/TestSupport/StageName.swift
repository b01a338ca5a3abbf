/// The name of a stage that MXNet saved, taken apart: `05-naive-postfused-auto-tw-full`.
public struct StageName: Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    private var words: [String] { text.split(separator: "-").map(String.init) }

    /// 2 fused, 3 quantized, 4 calibrated (naive), 5 post-fused, 6 and 7 the same with entropy.
    public var number: Int { Int(text.prefix(2)) ?? 0 }
    /// Fused for float, by the backend MKLDNN.
    public var isForFloat: Bool { text.hasPrefix("02b") }
    public var codeType: String { words.first { ["auto", "int8", "uint8"].contains($0) } ?? "auto" }
    public var isChannelWise: Bool { words.contains("cw") }
    public var isSmart: Bool { words.contains("smart") }
    public var isPostFused: Bool { words.contains("postfused") }
    public var usesEntropy: Bool { words.contains("entropy") }

    /// The key of its table in `calib-tables.json`, but for exclusions.
    public var tableKey: String {
        [usesEntropy ? "entropy" : "naive", codeType, isChannelWise ? "cw" : "tw", isSmart ? "smart" : "full"]
            .joined(separator: "-")
    }
}
