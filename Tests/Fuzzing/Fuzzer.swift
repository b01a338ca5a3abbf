import Foundation
import TensorCore

// libFuzzer's side of `FuzzedReader`; `Tests/fuzz` builds and runs it. The environment says which reader it is.

private let reader = ProcessInfo.processInfo.environment["REQUANT_READER"].flatMap(FuzzedReader.init(rawValue:))
private let scratch = (ProcessInfo.processInfo.environment["REQUANT_SCRATCH"] ?? "/tmp/requant-fuzz")
    + "-\(ProcessInfo.processInfo.processIdentifier)"

/// How much of the processor one input may take, in seconds. The clock of the wall, which libFuzzer's own limit reads,
/// also counts what other processes do.
private let processorLimit = 1.0

private var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Reads one input. Any error but `ModelError` is a finding, as a crash is, and so is a reader that takes too long.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let reader else { fatalError("REQUANT_READER is none of \(FuzzedReader.allCases)") }
    let begin = processorSeconds
    do {
        try reader.read(UnsafeRawBufferPointer(start: start, count: count), scratch: scratch)
    } catch is ModelError {
        // What a damaged file should lead to.
    } catch {
        fatalError("\(error) is no ModelError")
    }
    let seconds = processorSeconds - begin
    guard seconds < processorLimit else { fatalError("\(count) bytes took \(seconds) s of the processor") }
    return 0
}
