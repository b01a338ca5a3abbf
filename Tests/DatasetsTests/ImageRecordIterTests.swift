import TensorCore
import TestSupport
import Testing

@testable import Datasets

/// What MXNet's ImageRecordIter makes of the same record files.
@Suite("Images as ImageRecordIter prepares them")
struct ImageRecordIterTests {
    private static let mean: [Float] = [123.68, 116.779, 103.939]
    private static let deviation: [Float] = [58.393, 57.12, 57.375]

    @Test func centreCrop() throws {
        let (actual, labels) = try read(Preprocessing(crop: .init(height: 32, width: 32)))
        let differences = try compare(actual, "crop")
        #expect(differences.last == 0)
        #expect(labels == [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 0, 1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 1, 2, 3])
    }

    @Test func resizedAndCropped() throws {
        let (actual, _) = try read(Preprocessing(resize: 36, crop: .init(height: 32, width: 32)))
        let differences = try compare(actual, "resize_crop")
        #expect(differences.last == 0)
    }

    @Test func meanAndDeviation() throws {
        let (actual, _) = try read(
            Preprocessing(crop: .init(height: 32, width: 32), mean: Self.mean, standardDeviation: Self.deviation))
        let differences = try compare(actual, "norm")
        #expect(differences.last == 0)
    }

    @Test func scale() throws {
        let (actual, _) = try read(Preprocessing(crop: .init(height: 32, width: 32), scale: 1 / 255))
        let differences = try compare(actual, "scale")
        #expect(differences.last == 0)
    }

    @Test("PNG digits are exact, from records and from an array", arguments: ["digits.rec", "digits-u8.npz"])
    func digits(name: String) throws {
        let preprocessing = Preprocessing(mean: [33.3285], standardDeviation: [78.5655], isGray: true)
        let dataset = try Dataset.open(
            paths: [Fixtures.path("datasets/\(name)")], preprocessing: preprocessing, inputs: ["data"])
        let batch = try dataset.batch(0..<8)
        #expect(try batch.inputs["data"] == NumPyFile.read(Fixtures.path("datasets/digits-imagerecorditer.npy")))
        #expect(batch.labels == [6, 0, 3, 3, 1, 5, 4, 8])
    }

    private func read(_ preprocessing: Preprocessing) throws -> (Tensor, [Int]?) {
        let dataset = try Dataset.open(
            paths: [Fixtures.path("datasets/photos-1label.rec")], preprocessing: preprocessing, inputs: ["data"])
        #expect(dataset.count == 24)
        let batch = try dataset.batch(0..<24)
        return (try #require(batch.inputs["data"]), batch.labels)
    }

    /// Absolute differences to the first images of the expected array, ascending.
    private func compare(_ actual: Tensor, _ name: String) throws -> [Float] {
        let archive = try NumPyArchive(Fixtures.path("datasets/photos-1label-imagerecorditer.npz"))
        let expected = try archive.tensor(named: name)
        #expect(actual.dataType == .float32)
        #expect(actual.shape == [24, 3, 32, 32])
        let differences = zip(actual.rows(0..<expected.shape[0]).floats(), expected.floats()).map { abs($0 - $1) }
        return differences.sorted()
    }
}
