import Foundation

/// Writes a file so that readers see the whole of it or nothing: to a temporary name beside the target, then renamed.
public enum FileOutput {
    /// Calls `body` with a writer and moves the result to `path` when it returns; removes it when it throws.
    /// - Throws: `ModelError` if the folder does not exist, the disk is full, or the target cannot be replaced.
    public static func write(to path: String, _ body: (FileWriter) throws -> Void) throws {
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw ModelError("cannot be written: \(String(cString: strerror(errno)))", at: path)
        }
        let writer = FileWriter(descriptor: descriptor, path: path)
        do {
            defer { close(descriptor) }
            try body(writer)
            try writer.flush()
        } catch {
            unlink(temporary)
            throw error
        }
        if let batch = FileBatch.current { return batch.add(temporary, for: path) }
        guard rename(temporary, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw ModelError("cannot be replaced: \(reason)", at: path)
        }
    }

    /// Writes a whole file of text.
    /// - Throws: `ModelError` if that cannot be done; there is then no half a file.
    public static func write(_ text: String, to path: String) throws {
        try write(to: path) { try $0.write(text) }
    }

    /// Makes the folder and those above it.
    public static func makeFolder(_ path: String) throws {
        FileBatch.current?.addMissingFolders(of: path)
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw ModelError("cannot be made a folder: \(error.localizedDescription)", at: path)
        }
    }
}

/// Appends to a file that is being written. Small writes are gathered; large ones go straight to the file.
public final class FileWriter {
    private let descriptor: Int32
    private let path: String
    private var buffer: [UInt8] = []
    /// Bytes written so far.
    public private(set) var position = 0

    fileprivate init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        buffer.reserveCapacity(1 << 16)
    }

    /// Appends bytes.
    /// - Throws: `ModelError` if the disk takes no more.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        position += bytes.count
        if bytes.count >= 1 << 14 {
            try flush()
            try send(bytes)
        } else {
            buffer.append(contentsOf: bytes)
            if buffer.count >= 1 << 16 { try flush() }
        }
    }

    /// Appends bytes.
    /// - Throws: `ModelError` if the disk takes no more.
    public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    /// Appends text in UTF-8.
    /// - Throws: `ModelError` if the disk takes no more.
    public func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    /// Appends the elements of a tensor, outermost axis first, little-endian.
    /// - Throws: `ModelError` if the disk takes no more.
    public func write(_ tensor: Tensor) throws { try tensor.withBytes { try write($0) } }

    /// Appends a whole number.
    /// - Throws: `ModelError` if the disk takes no more.
    public func writeLittleEndian<Value: FixedWidthInteger>(_ value: Value) throws {
        try withUnsafeBytes(of: value.littleEndian) { try write($0) }
    }

    /// Replaces bytes that were written before, such as a length that is known only now.
    public func overwrite(at offset: Int, with bytes: [UInt8]) throws {
        try flush()
        guard pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count else {
            throw ModelError("cannot be written: \(String(cString: strerror(errno)))", at: path)
        }
    }

    fileprivate func flush() throws {
        try buffer.withUnsafeBytes { try send($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func send(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let count = Foundation.write(descriptor, bytes.baseAddress! + sent, bytes.count - sent)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw ModelError(
                    "cannot be written: \(String(cString: strerror(errno)))", at: path,
                    advice: errno == ENOSPC ? "free some space and run again; nothing was left behind" : nil)
            }
            sent += count
        }
    }
}
