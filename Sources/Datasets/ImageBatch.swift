import Dispatch
import TensorCore

extension Preprocessing {
    /// Preprocesses `count` images and stacks them: float32, count × channels × height × width. Several threads ask for
    /// images and work on them, and none is kept.
    /// - Parameters:
    ///   - place: what an error calls the image of that number.
    ///   - image: the image, or an error that names the place itself.
    /// - Throws: the error of the first image, by number, that has one; `ModelError` if sizes differ.
    func batch(
        of count: Int, place: @Sendable (Int) -> String, image: @Sendable (Int) throws -> Image
    ) throws -> Tensor {
        @Sendable func prepared(_ index: Int) throws -> (Image, Shape) {
            let image = try image(index)
            return try locating(place(index)) {
                let resized = try resized(image)
                return (resized, try outputShape(of: resized))
            }
        }
        let (first, shape) = try prepared(0)
        guard count <= TensorStorage.memoryLimit / (4 * shape.elementCount) else {
            throw ModelError("\(count) images of \(shape) do not fit into memory", advice: "use a smaller batch")
        }
        return try Tensor(shape: Shape([count] + shape.dimensions), of: Float.self) { batch in
            @Sendable func write(_ image: Image, _ target: UnsafeMutableBufferPointer<Float>, _ index: Int) throws {
                let start = index * shape.elementCount
                let slot = UnsafeMutableBufferPointer(rebasing: target[start..<start + shape.elementCount])
                try self.write(image, shape: shape, to: slot)
            }
            try write(first, batch, 0)
            var failures = [ModelError?](repeating: nil, count: count)
            failures.withUnsafeMutableBufferPointer { failures in
                // Sound, because no two iterations touch the same image's place.
                nonisolated(unsafe) let batch = batch, failures = failures
                DispatchQueue.concurrentPerform(iterations: count - 1) { iteration in
                    let index = iteration + 1
                    do {
                        let (image, itsShape) = try prepared(index)
                        guard itsShape == shape else {
                            throw ModelError(
                                "the image is \(itsShape), but the first one is \(shape)", at: place(index),
                                advice: "bring them to one size (--resize, --crop)")
                        }
                        try write(image, batch, index)
                    } catch let error as ModelError { failures[index] = error } catch {
                        failures[index] = ModelError("\(error)", at: place(index))
                    }
                }
            }
            if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
        }
    }
}
