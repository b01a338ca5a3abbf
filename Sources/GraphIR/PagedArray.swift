/// An array whose copies stay cheap while one of them is changed: elements lie in pages, a copy shares them all, and a
/// change copies the list of pages and one page.
///
/// A pass that looks at the graph while it changes it holds a copy. With one array of n elements each change would then
/// cost n, and a pass over the graph n².
struct PagedArray<Element> {
    /// About the square root of the largest graphs.
    private static var pageSize: Int { 256 }

    private var pages: [[Element]] = []
    private(set) var count = 0

    mutating func append(_ element: Element) {
        if count % Self.pageSize == 0 { pages.append([]) }
        pages[count / Self.pageSize].append(element)
        count += 1
    }
}

extension PagedArray: RandomAccessCollection {
    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(index: Int) -> Element {
        get { pages[index / Self.pageSize][index % Self.pageSize] }
        _modify { yield &pages[index / Self.pageSize][index % Self.pageSize] }
    }
}

extension PagedArray: Sendable where Element: Sendable {}
