import Kernels

extension KernelProgram {
    /// The same outputs with less work, for runs that look at nothing else. What is gone or smaller now cannot be
    /// observed; float outputs differ by the rounding of folded weights, codes do not.
    public func forOutputsOnly() -> KernelProgram { fusingLayers().movingStrides() }
}
