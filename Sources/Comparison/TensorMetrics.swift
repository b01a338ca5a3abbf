import Foundation
import TensorCore

/// How far the values x of a candidate are from the values r of a reference, gathered batch by batch:
///
///     maximum difference   max |r − x|
///     mean difference      Σ |r − x| / n
///     SQNR in dB           10 · log10(Σ r² / Σ (r − x)²)         signal to quantization noise
///     cosine               Σ r·x / √(Σ r² · Σ x²)
///     differing share      the share of elements with r ≠ x
///
/// SQNR as in Widrow and Kollár, *Quantization Noise* (Cambridge, 2008), and as `compute_sqnr` of PyTorch's numeric
/// suite (torch/ao/ns/fx/utils.py) has it, 20 · log10(‖r‖ / ‖r − x‖).
///
/// Two NaNs, and two infinities of one sign, are equal. Where only one side is finite, or is NaN, the difference counts
/// as infinite, so that a broken layer cannot look good; the cosine is that of the other elements.
public struct TensorMetrics: Sendable, Equatable {
    /// Elements compared.
    public private(set) var elementCount = 0
    /// Elements that are not equal.
    public private(set) var differingCount = 0
    /// Elements that differ because one side is NaN or infinite.
    public private(set) var nonFiniteCount = 0
    /// max |r − x|, in the units of the values; 0 if nothing was compared.
    public private(set) var maximumDifference = 0.0
    private var differenceSum = 0.0
    /// Σ r², Σ x², Σ r·x and Σ (r − x)² of the elements that are finite on both sides.
    private var referenceEnergy = 0.0
    private var candidateEnergy = 0.0
    private var product = 0.0
    private var noiseEnergy = 0.0

    public init() {}

    /// Compares one more batch, element by element; both as float32.
    /// - Throws: `ModelError` if the shapes differ.
    public mutating func add(reference: Tensor, candidate: Tensor) throws {
        try requireSameShape(reference, candidate)
        reference.asFloat32().withElements(as: Float.self) { references in
            candidate.asFloat32().withElements(as: Float.self) { candidates in
                for index in references.indices { add(references[index], candidates[index]) }
            }
        }
        elementCount += reference.elementCount
    }

    @inline(__always)
    private mutating func add(_ reference: Float, _ candidate: Float) {
        guard reference.isFinite, candidate.isFinite else {
            let isSame = reference == candidate || reference.isNaN && candidate.isNaN
            if !isSame {
                nonFiniteCount += 1
                differingCount += 1
                maximumDifference = .infinity
            }
            return
        }
        let r = Double(reference), x = Double(candidate)
        let difference = abs(r - x)
        if difference != 0 { differingCount += 1 }
        maximumDifference = max(maximumDifference, difference)
        differenceSum += difference
        referenceEnergy += r * r
        candidateEnergy += x * x
        product += r * x
        noiseEnergy += difference * difference
    }

    /// Σ |r − x| / n, in the units of the values; 0 if nothing was compared.
    public var meanDifference: Double {
        if nonFiniteCount > 0 { return .infinity }
        return elementCount == 0 ? 0 : differenceSum / Double(elementCount)
    }

    /// In dB; +∞ if nothing differs, −∞ if the reference is all zero or a difference is infinite.
    public var sqnr: Double {
        if nonFiniteCount > 0 { return -.infinity }
        return noiseEnergy == 0 ? .infinity : 10 * log10(referenceEnergy / noiseEnergy)
    }

    /// In −1…1; 1 if both are all zero, 0 if one is.
    public var cosine: Double {
        if referenceEnergy == 0 && candidateEnergy == 0 { return 1 }
        if referenceEnergy == 0 || candidateEnergy == 0 { return 0 }
        return min(max(product / (referenceEnergy * candidateEnergy).squareRoot(), -1), 1)
    }

    /// In 0…1.
    public var differingShare: Double { elementCount == 0 ? 0 : Double(differingCount) / Double(elementCount) }
}

func requireSameShape(_ reference: Tensor, _ candidate: Tensor) throws {
    guard reference.shape == candidate.shape else {
        throw ModelError("the reference is \(reference.shape) and the candidate \(candidate.shape)")
    }
}
