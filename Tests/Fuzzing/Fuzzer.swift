import Foundation
import TensorCore

// libFuzzer's side of `FuzzedReader`; `Tests/fuzz` builds and runs it. The environment says which reader it is.

private let reader = ProcessInfo.processInfo.environment["REQUANT_READER"].flatMap(FuzzedReader.init(rawValue:))
private let scratch = (ProcessInfo.processInfo.environment["REQUANT_SCRATCH"] ?? "/tmp/requant-fuzz")
    + "-\(ProcessInfo.processInfo.processIdentifier)"

/// Reads one input. Any error but `ModelError` is a finding, as a crash is.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let reader else { fatalError("REQUANT_READER is none of \(FuzzedReader.allCases)") }
    do {
        try reader.read(UnsafeRawBufferPointer(start: start, count: count), scratch: scratch)
    } catch is ModelError {
        // What a damaged file should lead to.
    } catch {
        fatalError("\(error) is no ModelError")
    }
    return 0
}
