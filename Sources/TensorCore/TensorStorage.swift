import Foundation

/// The bytes behind tensors: a mapped file, or memory of our own. Many tensors may share one storage.
///
/// `@unchecked Sendable`: the bytes are written only by the closure of `init(byteCount:_:)`, before anyone else can see
/// them, and are freed when the last owner is gone.
public final class TensorStorage: @unchecked Sendable {
    /// Valid as long as the storage is.
    public let bytes: UnsafeRawBufferPointer
    private let release: () -> Void
    private let isMapped: Bool

    /// The machine's memory in bytes. Allocating more ends the process, so what a file claims is compared with it first.
    public static let memoryLimit = Int(clamping: ProcessInfo.processInfo.physicalMemory)

    /// Memory of our own, aligned to a cache line; `fill` gets it uninitialized.
    public init(byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
        do { try fill(UnsafeMutableRawBufferPointer(rebasing: memory[0..<byteCount])) } catch {
            memory.deallocate()
            throw error
        }
        bytes = UnsafeRawBufferPointer(rebasing: memory[0..<byteCount])
        isMapped = false
        release = { memory.deallocate() }
    }

    /// The file at `path`, mapped read-only: pages are read when they are touched.
    ///
    /// Writers of this project never change a file in place (see `FileOutput`), so a mapping stays what it was.
    /// - Throws: `ModelError` if the file cannot be opened or is not a regular file.
    public init(mapping path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ModelError("cannot be opened: \(String(cString: strerror(errno)))", at: path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ModelError("is not a regular file", at: path)
        }
        let length = Int(status.st_size)
        guard length > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            isMapped = false
            release = {}
            return
        }
        guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw ModelError("cannot be mapped: \(String(cString: strerror(errno)))", at: path)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: length)
        isMapped = true
        release = { munmap(address, length) }
    }

    /// Lets the system have back the memory that reading these bytes of a mapped file took. They may be read again.
    ///
    /// Who looks at all of a large file once, in order to check it, needs no memory for it this way.
    public func letGo(of range: Range<Int>) {
        guard isMapped, let address = bytes.baseAddress, bytes.indices.contains(range.lowerBound) else { return }
        let start = max(0, range.lowerBound / Self.broughtIn - 1) * Self.broughtIn
        let end = min(range.upperBound + Self.broughtIn, bytes.count)
        madvise(UnsafeMutableRawPointer(mutating: address + start), end - start, MADV_DONTNEED)
    }

    /// Linux may bring in so much around a page that is read: 64 KB, or the whole of a large page of its cache.
    private static let broughtIn = 1 << 21

    deinit { release() }
}
