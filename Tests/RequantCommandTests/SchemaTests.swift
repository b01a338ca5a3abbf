import Foundation
import TestSupport
import Testing

/// What `--json` prints is what `Schemas/` says.
struct SchemaTests {
    static let commands: [[String]] = [
        ["inspect", Sample.model, "--shape", "data=1,1,28,28", "--layers", "--weights"],
        ["inspect", Sample.model],
        ["inspect", Fixtures.path("mxnet/save_000800-symbol.json")],
        ["inspect", Fixtures.path("mxnet/sparse.params"), "--weights"],
        ["inspect", Fixtures.path("mxnet2/sparse.npz")],
        ["inspect", Fixtures.path("numpy/float32.npy")],
        ["inspect", Fixtures.path("datasets/images.rec")],
        ["inspect", Fixtures.path("datasets/images.idx")],
        ["inspect", Fixtures.path("datasets/kinds/rgb.jpg")],
        ["inspect", Fixtures.path("onnx/attributes.onnx"), "--layers"],
        ["fuse", Sample.model, "-o", "fused", "--explain"],
        ["convert", Sample.model, "-o", "copy.onnx", "--shape", "data=1,1,28,28", "--explain"],
        ["quantize", Sample.model, "-o", "int8", "--exclude", "resnetv10_conv0_fwd"],
        ["calibrate", Sample.model, "-o", "ranges.txt", "--method", "naive"] + Sample.calibrationData + Sample.few,
        ["calibrate", Sample.model, "-o", "ranges.txt", "--method", "best", "--explain", "--calibrate-layer", "^data$"]
            + Sample.calibrationData + Sample.few,
        ["quantize", Sample.model, "-o", "int8", "--calibrate", "percentile", "--explain"] + Sample.calibrationData + Sample.few,
        ["run", Sample.model] + Sample.testData + Sample.few,
        ["diff", Sample.model, Sample.model, "--layers"] + Sample.testData + Sample.few,
        ["diff", Sample.model, Sample.model, "--histograms", "--channels", "--classes", "--structure", "--save", "d.json"]
            + Sample.testData + Sample.few,
        ["diff", Sample.model, Sample.model],
        ["tune", Sample.model, "-o", "tuned", "--min-sqnr", "20", "--sensitivity", "alone-in-int8"] + Sample.testData
            + Sample.few,
        ["profile", Sample.model, "--shape", "data=1,1,28,28", "--repeats", "1"],
        ["bench", Sample.model, "--shape", "data=1,1,28,28", "--repeat", "1", "--seconds", "0"],
        ["report", Sample.model, "-o", "report.html", "--shape", "data=1,1,28,28", "--no-profile"],
        ["report", Sample.model, Sample.model, "-o", "report.html"] + Sample.testData + Sample.few,
        ["operators"], ["pipelines"],
    ]

    @Test(arguments: commands) func json(_ command: [String]) throws {
        try Fixtures.withTemporaryFolder { folder in
            let result = try RequantProcess(command + ["--json", "--quiet"], in: folder)
            #expect(result.status == 0, "\(result.errors)")
            let checker = try SchemaChecker(file: command[0] + ".schema.json")
            #expect(try checker.problems(in: Data(result.output.utf8)) == [])
        }
    }
}
