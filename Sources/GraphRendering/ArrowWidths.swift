import Foundation

extension GraphDrawing {
    /// In points.
    private static let widest = 9.0, thinnest = 0.8

    /// Makes points of the bytes that arrows have as their width. The width grows with the square root, so that what is a
    /// hundredth can still be seen.
    mutating func widenArrows() {
        guard let most = edges.compactMap(\.width).max(), most > 0 else { return }
        for index in edges.indices {
            edges[index].width = edges[index].width.map {
                ((Self.thinnest + (Self.widest - Self.thinnest) * ($0 / most).squareRoot()) * 10).rounded() / 10
            }
        }
        widths = "width: bytes moved, by the square root; the widest arrow is \(ByteText.describe(Int(most)))"
    }
}
