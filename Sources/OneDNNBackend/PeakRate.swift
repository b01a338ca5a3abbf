import Kernels
import TensorCore

/// The rate that oneDNN's best single convolution reaches on this machine: what the layers of a model are measured by.
public enum PeakRate {
    /// Convolutions with much work for each byte, as they stand in residual networks: channels, edge, kernel.
    private static let shapes = [(64, 56, 3), (128, 28, 3), (256, 14, 3), (256, 56, 1), (512, 28, 1)]

    /// Operations per second, multiplications and additions counted apart: the best of the shapes, each the best of
    /// some runs.
    public static func measure(_ dataType: DataType, batch: Int, threads: Int?) throws -> Double {
        try shapes.map { channels, edge, window in
            try rate(dataType, TensorType(dataType, [batch, channels, edge, edge]), window: window, threads)
        }.max() ?? 0
    }

    /// The second of two convolutions is measured: the first leaves its result as the second likes it.
    private static func rate(_ dataType: DataType, _ source: TensorType, window: Int, _ threads: Int?) throws -> Double
    {
        let channels = source.shape[1], weightType: DataType = dataType == .float32 ? .float32 : .int8
        let pads = [window / 2, window / 2]
        let kernel = ConvolutionKernel(
            strides: [1, 1], dilations: [1, 1], padsBegin: pads, padsEnd: pads,
            stage: OutputStage(outputType: dataType, scales: dataType == .float32 ? [] : [0.001]))
        var program = KernelProgram()
        var value = program.addInput("data", source)
        for step in ["first", "second"] {
            let type = TensorType(weightType, [channels, channels, window, window])
            let weights = program.addConstant(
                Tensor(dataType: weightType, shape: type.shape) { $0.initializeMemory(as: UInt8.self, repeating: 1) })
            value = try program.add(kernel, [value, weights], node: step)[0]
        }
        program.outputs = [.init(name: "result", buffer: value)]
        let data = Tensor(dataType: source.dataType, shape: source.shape) {
            $0.initializeMemory(as: UInt8.self, repeating: 0)
        }
        let executor = try OneDNNExecutor(program, threads: threads)
        let durations = try (0..<15).map { _ in try executor.profile([data]).last?.duration ?? .zero }
        let operations = program.operationCount(of: program.steps[1]) ?? 0
        return Double(operations) / ((durations.min() ?? .zero) / .seconds(1))
    }
}
