import Foundation
import Kernels
import OneDNNBackend
import TensorCore
import Testing

/// oneDNN against the kernels' own loops: codes bit for bit, floats within 1e-5.
///
/// One case alone: REQUANT_CASE="conv f32f32f32 1x3x8x8 o=4 k=3" swift test --filter OneDNNBackendTests
@Suite struct KernelCaseTests {
    static let cases = ProcessInfo.processInfo.environment["REQUANT_CASE"].map { [KernelCase($0)] } ?? table

    static let table = """
        conv f32f32f32 1x3x9x9 o=8 k=3 bias
        conv f32f32f32 2x16x7x7 o=32 k=3 p=1 post=relu bias
        conv f32f32f32 1x8x9x9 o=8 k=3 s=2 p=0:1
        conv f32f32f32 1x8x12x12 o=8 k=3 d=2 post=clip
        conv f32f32f32 1x12x7x7 o=24 k=3 p=1 g=3 bias post=sum:f32:1,relu
        conv f32f32f32 1x16x7x7 o=16 k=3 p=1 g=16 bias
        conv f32f32f32 1x8x7x7 o=8 k=1 post=sum:f32:0.5 direct
        conv f32f32f32 1x4x16 o=8 k=5 p=2 bias
        conv f32f32f32 1x4x5x6x7 o=8 k=3 p=1 bias
        conv f32f32f32 1x8x7x7 o=10 k=1 post=sigmoid
        conv f32f32f32 1x8x7x7 o=10 k=1 post=gelu
        conv f32f32f32 1x8x7x7 o=10 k=1 post=tanh
        conv u8s8u8 1x3x9x9 o=8 k=3 bias scales=oc post=relu
        conv u8s8u8 2x16x8x8 o=32 k=3 p=1 bias scales=oc post=relu
        conv s8s8s8 2x16x8x8 o=32 k=3 p=1 bias scales=oc
        conv u8s8s8 1x64x7x7 o=64 k=1 scales=one
        conv u8s8f32 1x64x7x7 o=64 k=1 bias scales=oc
        conv u8s8f32 1x64x14x14 o=64 k=1 bias=100001 scales=oc near
        conv u8s8f32 1x64x14x14 o=64 k=3 bias=100001 scales=oc near
        conv s8s8f32 1x64x14x14 o=64 k=3 g=64 bias=100001 scales=oc near
        fc s8s8f32 16x64 o=64 bias=100001 scales=oc near
        conv u8s8s32 1x64x14x14 o=64 k=1 bias=100001 near
        conv u8s8s32 1x64x7x7 o=64 k=3
        conv s8s8s32 1x33x7x7 o=17 k=3
        conv u8s8u8 1x64x7x7 o=64 k=3 s=2 p=1 bias scales=oc post=sum:u8:0.5,relu
        conv u8s8u8 1x64x7x7 o=64 k=1 bias scales=oc post=sum:s8:0.37,relu
        conv u8s8s8 1x64x7x7 o=64 k=1 bias scales=oc post=sum:s8:1.25
        conv u8s8s8 1x64x7x7 o=64 k=1 bias scales=oc post=sum:u8:0.25
        conv u8s8f32 1x64x7x7 o=64 k=1 scales=oc post=sum:u8:0.25
        conv u8s8u8 1x64x7x7 o=64 k=1 scales=oc post=relu,sum:u8:0.5
        conv u8s8s8 1x16x9x9 o=16 k=3 g=16 p=1 bias scales=oc
        conv s8s8s8 1x16x9x9 o=16 k=3 g=16 p=1 bias scales=oc
        conv u8s8u8 1x32x9x9 o=64 k=3 g=4 p=1 bias scales=oc post=relu
        conv u8s8u8 1x9x9x9 o=6 k=3 g=3 d=2 p=2 bias scales=oc
        conv u8s8u8 1x16x8x8 o=16 k=7x5 p=3:1 scales=one post=clip
        conv u8s8u8 1x8x4x5x6 o=8 k=3 p=1 scales=one post=relu
        conv u8s8s8 1x256x14x14 o=64 k=1 bias=99991 scales=oc
        fc f32f32f32 3x40 o=10 bias
        fc f32f32f32 2x8x3x3 o=10 bias post=relu
        fc u8s8s8 3x40 o=10 bias scales=oc
        fc u8s8f32 2x8x3x3 o=10 bias scales=one
        fc s8s8u8 2x64x1x1 o=16 bias scales=one post=relu
        fc u8s8s32 2x64 o=16
        fc u8s8s8 2x64 o=16 scales=one post=sum:s8:0.5
        max f32 1x5x9x9 k=3 s=2 p=1
        max u8 2x16x9x9 k=3 s=2 p=1
        max s8 1x5x9x9 k=2 s=2
        avg f32 1x5x9x9 k=3 s=2 p=1
        avg u8 1x16x9x9 k=3 s=2 p=1
        avg s8 1x16x7x7 k=7
        avg u8 1x64x2x2 k=2
        avg s8 1x64x2x2 k=2
        avgpad f32 1x5x9x9 k=3 s=2 p=1
        avgpad u8 1x5x9x9 k=3 s=2 p=1
        avg f32 1x5x9 k=3 s=2 p=1
        max f32 1x5x5x6x7 k=3 s=2 p=1
        quantize f32u8 2x3x5x7 factor=200
        quantize f32s8 2x17 factor=127.5
        quantize f32s8 2x4x9 factor=2
        quantize s32s8 1x4x9x9 factor=0.05
        quantize s32s8 1x4x9x9 factor=0.5
        quantize u8s8 1x4x9x9 factor=0.5
        dequantize u8f32 1x4x9x9 factor=0.017
        dequantize s8f32 1x4x9x9 factor=0.017 zp=-3
        dequantize s32f32 1x4x9x9 factor=0.017
        scaledadd u8s8u8 1x16x9x9 factor=0.6
        scaledadd u8u8u8 1x5x9x9 relu
        scaledadd s8s8s8 1x16x9x9 factor=0.5
        scaledadd s8u8s8 3x17 relu
        softmax f32 3x11
        softmax f32 1x4x3x3
        softmax f32 2x3x5 axis=-1
        logsoftmax f32 2x3x5 axis=-1
        matmul f32 3x4 with=4x5
        matmul f32 2x1x3x4 with=5x4x2
        matmul f32 2x4x4 with=2x4x4 ta
        matmul f32 2x3x4 with=2x6x4 tb
        matmul f32 4x3 with=5x2x4 ta tb
        logsoftmax f32 1x4x3x3
        scaleshift f32 2x5x3x3
        scaleshift f32 2x5
        binary f32 2x3x4x5
        binary f32 2x3x4x5 op=multiply with=1x3x1x1
        binary f32 2x3x4x5 op=subtract with=5
        binary f32 1x3x1x1 op=maximum with=2x3x4x5
        binary f32 3x1 op=divide with=4
        concat f32 2x16x4x5 with=2x8x4x5
        concat f32 2x3x4x5 with=2x5x4x5
        concat u8 2x16x4x5 with=2x3x4x5
        concat s8 1x3x2x5 with=1x3x7x5 axis=2
        concat s32 3x4 with=2x4 axis=0
        transpose f32 2x3x4x5 axes=0x2x3x1
        transpose f32 4x4 axes=1x0
        transpose u8 2x16x5x5 axes=0x3x2x1
        transpose s8 2x3x4x5 axes=1x0x2x3
        transpose s32 2x3x4 axes=2x1x0
        relu f32 2x3x4x5
        relu s8 2x16x4x5
        clip u8 2x16x4x5
        tanh f32 2x3x4
        softrelu f32 2x3
        softsign f32 2x3
        elu f32 2x3
        leaky f32 2x3
        linear f32 2x3
        """.split(separator: "\n").map { KernelCase(String($0)) }

    /// Windows of random sizes over small maps, where borders are most of the map.
    private static let geometries = (1...150).map { seed -> KernelCase in
        var random = SeededGenerator(state: UInt64(seed))
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        let kind = ["conv f32f32f32", "conv u8s8s8", "conv s8s8u8", "max u8", "avg f32", "avg s8"][number(0...5)]
        let isConvolution = kind.hasPrefix("conv")
        let window = number(1...4), dilation = isConvolution ? number(1...2) : 1
        // A window that lies in padding alone has no maximum: padding stays smaller than the window.
        let pads = "\(number(0...window - 1)):\(number(0...window - 1))"
        let groups = isConvolution ? number(1...3) : 1
        let channels = groups * number(1...9), reach = dilation * (window - 1) + 1
        let map = "\(number(1...2))x\(channels)x\(number(reach...reach + 6))x\(number(reach...reach + 6))"
        let sizes = "k=\(window) s=\(number(1...3)) d=\(dilation) p=\(pads)"
        return KernelCase(
            "\(kind) \(map) \(sizes) seed=\(seed)"
                + (isConvolution ? " g=\(groups) o=\(groups * number(1...9)) bias scales=oc" : ""))
    }

    @Test(arguments: cases + (cases.count == 1 ? [] : geometries)) func agreesWithTheReference(
        _ kernelCase: KernelCase
    ) throws {
        if kernelCase.needsVNNI, let warning = InstructionSet.current.warning {
            return print("skipped '\(kernelCase)': \(warning)")
        }
        let (program, inputs) = try kernelCase.program()
        let expected = try ReferenceExecutor(program).run(inputs)[0]
        let actual = try OneDNNExecutor(program, threads: 1).run(inputs)[0]
        #expect(actual.type == expected.type)
        let difference = zip(actual.floats(), expected.floats()).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        if kernelCase.isExact {
            let differing = zip(actual.floats(), expected.floats()).filter { $0 != $1 }.count
            #expect(differing == 0, "\(differing) of \(expected.elementCount) differ, by up to \(difference)")
        } else {
            let size = expected.floats().reduce(Float(1e-30)) { max($0, abs($1)) }
            #expect(difference / size < 1e-5)
        }
    }
}
