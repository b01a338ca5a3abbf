// A float checkpoint of MXNet to INT8 and to ONNX in a dozen lines. Usage: LibrarySample [FOLDER OF DIGITS [OUTPUT]]
import Requant

let arguments = CommandLine.arguments.dropFirst()
let digits = arguments.first ?? "../mnist"
let output = arguments.dropFirst().first ?? "."

// Load. The file does not say how large a batch of images is.
let float = try Model.load("\(digits)/resnet18-mnist", shapes: ["data": [1, 1, 28, 28]])
let pixels = Preprocessing(mean: [33.3285], standardDeviation: [78.5655], isGray: true)
let calibration = try float.dataset("\(digits)/calib.rec", preprocessing: pixels)
let test = try float.dataset("\(digits)/test.rec", preprocessing: pixels)

// Fuse: convolution, BatchNorm, addition and relu become one layer.
let fused = try float.fused().model
print("fused       \(float.nodeCount) nodes into \(fused.nodeCount)")

// Quantize, in one step from the float model.
let int8 = try float.quantized(.naive, on: calibration).model
print("quantized   \(int8.layerCounts.quantized) of \(int8.layerCounts.weighted) layers")

// Convert: the ending decides the format.
try int8.save(to: "\(output)/int8")
try int8.save(to: "\(output)/int8.onnx")

// Run, and compare with the float model.
let converted = try Model.load("\(output)/int8.onnx")
let top1 = try converted.run(on: test).top1 ?? 0
let report = try float.compare(with: converted, on: test)
print("correct     \(top1)")
print("SQNR        \((report.outputs[0].sqnr * 10).rounded() / 10) dB")
