import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite("Data sets")
struct DatasetTests {
    private let digits = Fixtures.path("datasets/digits-u8.npz")
    private let images = Fixtures.path("datasets/images.rec")

    @Test("batches, the last one smaller; sources one after the other")
    func batches() throws {
        let dataset = try Dataset.open(paths: [digits, digits], inputs: ["data"])
        #expect(dataset.inputs == ["data"] && dataset.count == 16 && dataset.hasLabels)
        var batches = dataset.batches(of: 6), sizes: [Int] = [], labels: [Int] = []
        #expect(batches.count == 3)
        while let batch = try batches.next() {
            sizes.append(try #require(batch.inputs["data"]).shape[0])
            labels += try #require(batch.labels)
        }
        #expect(sizes == [6, 6, 4])
        #expect(labels == [6, 0, 3, 3, 1, 5, 4, 8, 6, 0, 3, 3, 1, 5, 4, 8])
        // The second batch is two samples of one source and four of the next.
        let seam = try #require(dataset.batch(6..<12).inputs["data"])
        let array = try NumPyArchive(digits).tensor(named: "data")
        #expect(seam == .concatenatingRows([array.rows(6..<8), array.rows(0..<4)]))
        var limited = dataset.batches(of: 6, limit: 2), count = 0
        while let batch = try limited.next() { count += batch.range.count }
        #expect(count == 12)
    }

    @Test("arrays keep their type without preprocessing; pixels become float32 with it")
    func arrays() throws {
        let plain = try #require(Dataset.open(paths: [digits], inputs: ["data"]).batch(0..<2).inputs["data"])
        #expect(plain.type == TensorType(.uint8, [2, 1, 28, 28]))
        let preprocessing = Preprocessing(crop: .init(height: 4, width: 6), scale: 0.5, mean: [10])
        let dataset = try Dataset.open(paths: [digits], preprocessing: preprocessing, inputs: ["data"])
        let cropped = try #require(dataset.batch(0..<2).inputs["data"])
        #expect(cropped.type == TensorType(.float32, [2, 1, 4, 6]))
        let source = plain.elements(as: UInt8.self)
        let expected = (0..<24).map { (Float(source[(12 + $0 / 6) * 28 + 11 + $0 % 6]) - 10) * 0.5 }
        #expect(Array(cropped.floats().prefix(24)) == expected)
    }

    @Test("float arrays are normalized by channel")
    func floats() throws {
        try withArrays([("data", Tensor((0..<12).map(Float.init), shape: [2, 2, 3]))]) { path in
            let preprocessing = Preprocessing(scale: 2, mean: [1, 0], standardDeviation: [1, 4])
            let dataset = try Dataset.open(paths: [path], preprocessing: preprocessing, inputs: ["data"])
            #expect(try dataset.batch(0..<2).inputs["data"]?.floats()
                == [-2, 0, 2, 1.5, 2, 2.5, 10, 12, 14, 4.5, 5, 5.5])
            let resizing = try Dataset.open(paths: [path], preprocessing: Preprocessing(resize: 4), inputs: ["data"])
            expectError("cannot be resized") { try resizing.batch(0..<1) }
        }
    }

    @Test("several inputs by name, a scalar among them")
    func named() throws {
        try Fixtures.withTemporaryFolder { folder in
            try NumPyFile.write(Tensor((0..<6).map(Int64.init), shape: [3, 2]), to: folder + "/ids.npy")
            try NumPyFile.write(Tensor([7, 8, 9] as [Float]), to: folder + "/mask.npy")
            try NumPyFile.write(Tensor(scalar: Int32(5)), to: folder + "/length.npy")
            let dataset = try Dataset.open(
                paths: [], named: [("ids", folder + "/ids.npy"), ("mask", folder + "/mask.npy"),
                    ("length", folder + "/length.npy"), ("ids", folder + "/ids.npy"), ("mask", folder + "/mask.npy")],
                inputs: ["ids", "mask", "length"])
            #expect(dataset.inputs.sorted() == ["ids", "length", "mask"] && dataset.count == 6 && !dataset.hasLabels)
            let batch = try dataset.batch(2..<4)
            #expect(batch.inputs["ids"] == Tensor([4, 5, 0, 1] as [Int64], shape: [2, 2]))
            #expect(batch.inputs["mask"] == Tensor([9, 7] as [Float]))
            #expect(batch.inputs["length"] == Tensor(scalar: Int32(5)))
            expectError("no input 'idz'; did you mean ids?") {
                try Dataset.open(paths: [], named: [("idz", folder + "/ids.npy")], inputs: ["ids"])
            }
            expectError("different numbers of samples: 6 for ids, 3 for mask") {
                try Dataset.open(
                    paths: [folder + "/ids.npy", folder + "/ids.npy"], named: [("mask", folder + "/mask.npy")],
                    inputs: ["ids", "mask"])
            }
        }
    }

    @Test("which array of an archive is what")
    func archives() throws {
        let x = Tensor([1, 2] as [Float]), y = Tensor([4, 5] as [Int32])
        func inputs(_ arrays: [(String, Tensor)], _ names: [String]) throws -> ([String], [Int]?) {
            try withArrays(arrays) { path in
                let dataset = try Dataset.open(paths: [path], inputs: names)
                return (dataset.inputs, try dataset.batch(0..<2).labels)
            }
        }
        #expect(try inputs([("labels", y), ("a", x), ("b", x)], ["b", "a"]) == (["a", "b"], [4, 5]))
        #expect(try inputs([("a", x), ("classes", y)], ["a"]) == (["a"], nil))
        expectError("has arrays photos, label, but") { try inputs([("photos", x), ("label", y)], ["data"]) }
        #expect(try inputs([("label", x), ("data", x)], ["data", "label"]) == (["label", "data"], nil))
        expectError("has arrays p, q, but the model's inputs are data") { try inputs([("p", x), ("q", y)], ["data"]) }
        expectError("the labels are 3") { try inputs([("a", x), ("label", Tensor([1, 2, 3] as [Int32]))], ["a"]) }
        expectError("the others have 2 samples") { try inputs([("a", x), ("b", Tensor([1] as [Float]))], ["a", "b"]) }
    }

    @Test("records with several labels; images of every kind among them")
    func records() throws {
        let dataset = try Dataset.open(paths: [images], inputs: ["data"])
        #expect(dataset.count == 32)
        let batch = try dataset.batch(0..<32)
        #expect(batch.labels == (0..<32).map { $0 % 14 })
        #expect(batch.inputs["data"]?.type == TensorType(.float32, [32, 3, 40, 56]))
    }

    @Test("without an index the records are found by reading on")
    func recordsWithoutIndex() throws {
        try Fixtures.withTemporaryFolder { folder in
            try FileManager.default.copyItem(atPath: images, toPath: folder + "/a.rec")
            let scanned = try Dataset.open(paths: [folder + "/a.rec"], inputs: ["data"])
            let indexed = try Dataset.open(paths: [images], inputs: ["data"])
            #expect(try scanned.batch(0..<32).inputs == indexed.batch(0..<32).inputs)
        }
    }

    @Test func bgr() throws {
        func channels(_ isBGR: Bool) throws -> [[Float]] {
            let preprocessing = Preprocessing(crop: .init(height: 1, width: 1), isBGR: isBGR)
            let dataset = try Dataset.open(paths: [images], preprocessing: preprocessing, inputs: ["data"])
            return try #require(dataset.batch(0..<1).inputs["data"]).floats().map { [$0] }
        }
        #expect(try channels(true) == channels(false).reversed())
    }

    @Test("sub-folders are labels in the order of their names")
    func folders() throws {
        try Fixtures.withTemporaryFolder { folder in
            let kinds = Fixtures.path("datasets/kinds")
            for (file, place) in [("rgb.png", "dog/1.png"), ("rgb.jpg", "cat/2.JPG"), ("gray.jpg", "cat/1.jpeg")] {
                try FileOutput.makeFolder(folder + "/" + place.split(separator: "/")[0])
                try FileManager.default.copyItem(atPath: "\(kinds)/\(file)", toPath: "\(folder)/\(place)")
            }
            try FileOutput.makeFolder(folder + "/bird")
            try FileOutput.write("no image", to: folder + "/notes.txt")
            let dataset = try Dataset.open(paths: [folder], inputs: ["data"])
            let batch = try dataset.batch(0..<3)
            // bird is 0 though it is empty.
            #expect(batch.labels == [1, 1, 2])
            let pixels = try NumPyArchive(Fixtures.path("datasets/kinds.npz")).tensor(named: "gray.jpg").floats()
            #expect(try #require(batch.inputs["data"]).floats().prefix(3) == [pixels[0], pixels[3], pixels[6]])
            let flat = try Dataset.open(paths: [folder + "/cat"], inputs: ["data"])
            #expect(flat.count == 2 && !flat.hasLabels)
            try FileManager.default.copyItem(atPath: "\(kinds)/rgb.png", toPath: folder + "/stray.png")
            expectError("has images beside its sub-folders") { try Dataset.open(paths: [folder], inputs: ["data"]) }
            expectError("has no .jpg") { try Dataset.open(paths: [folder + "/bird"], inputs: ["data"]) }
        }
    }

    @Test("images of different sizes need a crop")
    func sizes() throws {
        let kinds = Fixtures.path("datasets/kinds")
        let mixed = try Dataset.open(paths: [kinds, images], inputs: ["data"])
        expectError("the sources of 'data' do not fit together") { try mixed.batch(0..<mixed.count) }
        var batches = mixed.batches(of: 4)
        expectError("bring images to one size (--resize, --crop)") { while try batches.next() != nil {} }
        #expect(try !mixed.hasLabels && mixed.batch(9..<10).labels == nil)
        let crop = Preprocessing(crop: .init(height: 10, width: 10))
        let cropped = try Dataset.open(paths: [kinds, images], preprocessing: crop, inputs: ["data"])
        #expect(try cropped.batch(0..<40).inputs["data"]?.shape == [40, 3, 10, 10])
        let large = Preprocessing(crop: .init(height: 41, width: 10))
        let dataset = try Dataset.open(paths: [images], preprocessing: large, inputs: ["data"])
        expectError("images.rec, record 3: the image is 40×56, smaller than the crop of 41×10") {
            try dataset.batch(3..<4)
        }
    }

    @Test("a damaged record is named")
    func damagedRecords() throws {
        try Fixtures.withTemporaryFolder { folder in
            var bytes = try Data(contentsOf: URL(fileURLWithPath: images))
            let path = folder + "/a.rec"
            // The third record begins at byte 2356; its JPEG ends early, then its header is gone.
            bytes.replaceSubrange(3100..<3102, with: [0xFF, 0xD9])
            try bytes.write(to: URL(fileURLWithPath: path))
            expectError("a.rec, record 2: the JPEG is damaged: ") {
                try Dataset.open(paths: [path], inputs: ["data"]).batch(0..<5)
            }
            bytes[2356] = 0
            try bytes.write(to: URL(fileURLWithPath: path))
            expectError("a.rec, record 2, byte 2356: no record begins here") {
                try Dataset.open(paths: [path], inputs: ["data"])
            }
            try Data(contentsOf: URL(fileURLWithPath: images)).dropLast(40).write(to: URL(fileURLWithPath: path))
            expectError("the file looks truncated") { try Dataset.open(paths: [path], inputs: ["data"]) }
            try FileOutput.write("0\t0\n1\t999999\n", to: folder + "/a.idx")
            expectError("a.idx, line 2: byte 999999 is claimed") { try Dataset.open(paths: [path], inputs: ["data"]) }
        }
        let text = try Dataset.open(paths: [Fixtures.path("datasets/strkey.rec")], inputs: ["data"])
        expectError("strkey.rec, record 0 (key 'cat'): is neither a JPEG nor a PNG image") { try text.batch(0..<1) }
        #expect(try ImageRecords(Fixtures.path("datasets/strkey.rec")).label(at: 0) == 3)
    }

    @Test func otherErrors() {
        expectError("nowhere.npy: does not exist") { try Dataset.open(paths: ["nowhere.npy"], inputs: ["data"]) }
        expectError("is of an unknown kind") {
            try Dataset.open(paths: [Fixtures.path("datasets/README.md")], inputs: ["data"])
        }
        expectError("2 means are given for 3 channels") {
            try Dataset.open(paths: [images], preprocessing: Preprocessing(mean: [1, 2]), inputs: ["data"]).batch(0..<1)
        }
        expectError("must be above 0") {
            try Dataset.open(paths: [images], preprocessing: Preprocessing(standardDeviation: [0]), inputs: ["data"])
        }
        expectError("data for input 'data' is given twice") {
            try Dataset.open(paths: [digits], named: [("data", digits)], inputs: ["data"])
        }
    }

    private func withArrays<Result>(_ arrays: [(String, Tensor)], _ body: (String) throws -> Result) throws -> Result {
        try Fixtures.withTemporaryFolder { folder in
            try NumPyArchive.write(arrays.map { (name: $0.0, tensor: $0.1) }, to: folder + "/x.npz")
            return try body(folder + "/x.npz")
        }
    }
}

private func expectError(_ text: String, _ body: () throws -> some Any) {
    #expect { _ = try body() } throws: { error in
        let isExpected = "\(error)".contains(text)
        if !isExpected { print("unexpected error: \(error)") }
        return isExpected
    }
}
