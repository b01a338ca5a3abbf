import TensorCore

/// Something that has samples, numbered from 0, and makes a batch of any run of them.
protocol RowSource: Sendable {
    var count: Int { get }
    var hasLabels: Bool { get }
    /// `range` lies within `0..<count` and is not empty.
    func rows(_ range: Range<Int>) throws -> Rows
    /// The file or record that a sample comes from; nil if it is one row of many in a file.
    func name(of index: Int) -> String?
}

extension RowSource {
    func name(of index: Int) -> String? { nil }
}

/// One tensor for each input, its outermost axis the samples; with the samples' labels if there are any.
struct Rows {
    var inputs: [String: Tensor]
    var labels: [Int]?
}

/// Sources one after the other.
struct ConcatenatedSource: RowSource {
    private let parts: [any RowSource]
    private let starts: [Int]
    let count: Int

    init(_ parts: [any RowSource]) {
        self.parts = parts
        var starts: [Int] = [], count = 0
        for part in parts {
            starts.append(count)
            count += part.count
        }
        self.starts = starts
        self.count = count
    }

    var hasLabels: Bool { parts.allSatisfy(\.hasLabels) }

    func name(of index: Int) -> String? {
        guard let part = starts.lastIndex(where: { $0 <= index }) else { return nil }
        return parts[part].name(of: index - starts[part])
    }

    func rows(_ range: Range<Int>) throws -> Rows {
        var pieces: [Rows] = []
        for (part, start) in zip(parts, starts) {
            let piece = range.clamped(to: start..<start + part.count)
            if !piece.isEmpty { pieces.append(try part.rows(piece.lowerBound - start..<piece.upperBound - start)) }
        }
        // Labels of only some samples would be of no use.
        var result = Rows(inputs: [:], labels: hasLabels ? pieces.flatMap { $0.labels ?? [] } : nil)
        for (input, tensor) in pieces.first?.inputs ?? [:] {
            let tensors = pieces.compactMap { $0.inputs[input] }
            guard tensors.count == pieces.count,
                tensors.allSatisfy({ $0.type.withoutRows == tensor.type.withoutRows })
            else {
                throw ModelError(
                    "the sources of '\(input)' do not fit together: "
                        + tensors.map { $0.type.withoutRows.description }.commaSeparated + " a sample")
            }
            result.inputs[input] = .concatenatingRows(tensors)
        }
        return result
    }
}

extension TensorType {
    /// The type of one sample.
    var withoutRows: TensorType { TensorType(dataType, Shape(Array(shape.dimensions.dropFirst()))) }
}
