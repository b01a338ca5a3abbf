/// The parts of a path.
///
/// Foundation has them too, but on Linux its `deletingLastPathComponent` ends the process for a name of one character
/// (swift-corelibs-foundation of Swift 6.3).
extension String {
    /// `resnet.onnx` of `models/resnet.onnx`; slashes at the end do not count.
    public var fileName: String { split(separator: "/").last.map(String.init) ?? self }

    /// `models` of `models/resnet.onnx`; empty for a name without a folder, `/` for what lies in the root.
    public var parentFolder: String {
        let trimmed = count > 1 && hasSuffix("/") ? String(dropLast()) : self
        guard let slash = trimmed.lastIndex(of: "/") else { return "" }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// `onnx` of `models/resnet.onnx`, in lower case; empty if there is none.
    public var fileExtension: String {
        let name = fileName
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    /// `models/resnet.onnx` of `models`; the name alone of the empty path.
    public func appendingPath(_ name: String) -> String {
        isEmpty ? name : hasSuffix("/") ? self + name : "\(self)/\(name)"
    }
}
