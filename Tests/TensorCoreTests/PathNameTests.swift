import TensorCore
import Testing

struct PathNameTests {
    @Test(arguments: [
        ("m", "m", "", ""), ("models/m.onnx", "m.onnx", "models", "onnx"), ("/m", "m", "/", ""), ("", "", "", ""),
        ("a/b/", "b", "a", ""), ("a.b/.hidden", ".hidden", "a.b", ""), ("x.tar.GZ", "x.tar.GZ", "", "gz"),
        ("/", "/", "/", ""),
    ])
    func parts(_ path: String, name: String, folder: String, ending: String) {
        #expect(path.fileName == name && path.parentFolder == folder && path.fileExtension == ending)
    }

    @Test func joining() {
        #expect("".appendingPath("m") == "m" && "a".appendingPath("m") == "a/m" && "/".appendingPath("m") == "/m")
    }
}
