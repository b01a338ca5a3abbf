import COneDNN
import Foundation
import TensorCore

/// The CPU, and the queue that primitives run in, one after the other.
final class Engine {
    let engine: dnnl_engine_t
    let stream: dnnl_stream_t

    init() throws {
        var engine: dnnl_engine_t?
        try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "the CPU engine")
        guard let engine else { throw ModelError("oneDNN made no CPU engine") }
        var stream: dnnl_stream_t?
        let status = dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue))
        guard status == dnnl_success, let stream else {
            dnnl_engine_destroy(engine)
            throw ModelError("oneDNN could not create a stream: \(status.text)")
        }
        (self.engine, self.stream) = (engine, stream)
    }

    deinit {
        dnnl_stream_destroy(stream)
        dnnl_engine_destroy(engine)
    }

    /// As many as OMP_NUM_THREADS says, or one for each core.
    static var defaultThreads: Int {
        ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].flatMap(Int.init) ?? Int(omp_get_num_procs())
    }

    /// Holds for what the calling thread does from now on: OpenMP keeps the number per thread.
    static func useThreads(_ count: Int) { omp_set_num_threads(Int32(clamping: max(count, 1))) }
}

/// Turns oneDNN's status into an error that names what was being done.
func check(_ status: dnnl_status_t, _ what: @autoclosure () -> String) throws {
    guard status == dnnl_success else { throw ModelError("oneDNN failed at \(what()): \(status.text)") }
}

extension dnnl_status_t {
    var text: String { String(cString: dnnl_status2str(self)) }
}
