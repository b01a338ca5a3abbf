// swift-tools-version: 6.0
import PackageDescription

/// The targets are listed in the order in which a model travels through them: bytes, graph, passes, numbers, pictures.
/// Each may only use those above it; SwiftPM refuses any other import.
let package = Package(
    name: "Requant",
    products: [
        .library(name: "Requant", targets: ["Requant"]),
        .executable(name: "requant", targets: ["RequantCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // C libraries of the system.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
        .systemLibrary(name: "CGraphviz", pkgConfig: "libgvc", providers: [.apt(["libgraphviz-dev"])]),
        .target(name: "COnnxProto", dependencies: ["CProtobufC"]),

        // Bytes.
        .target(name: "TensorCore", dependencies: ["CZlib"]),
        .target(name: "MXNetFormat", dependencies: ["TensorCore", .product(name: "OrderedCollections", package: "swift-collections")]),
        .target(name: "ONNXFormat", dependencies: ["TensorCore", "COnnxProto"]),
        .target(name: "Datasets", dependencies: ["TensorCore", "MXNetFormat", "CJPEG", "CPNG"]),

        // Graph.
        .target(name: "GraphIR", dependencies: ["TensorCore", .product(name: "OrderedCollections", package: "swift-collections")]),
        .target(name: "Kernels", dependencies: ["TensorCore"]),
        .target(
            name: "Operators",
            dependencies: [
                "GraphIR", "Kernels", "MXNetFormat", "ONNXFormat",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(
            name: "Translation",
            dependencies: ["Operators", .product(name: "OrderedCollections", package: "swift-collections")]),
        .target(name: "Passes", dependencies: ["GraphIR", "Operators"]),

        // Numbers and pictures.
        .target(name: "OneDNNBackend", dependencies: ["Kernels", "COneDNN"]),
        .target(name: "Comparison", dependencies: ["TensorCore"]),
        .target(name: "GraphRendering", dependencies: ["GraphIR", "CGraphviz", .product(name: "OrderedCollections", package: "swift-collections")]),

        .target(
            name: "Reporting", dependencies: ["Comparison"],
            resources: [.embedInCode("Resources/page.css"), .embedInCode("Resources/page.js")]),

        // The library and the command.
        .target(
            name: "Requant",
            dependencies: ["Translation", "Passes", "OneDNNBackend", "Comparison", "GraphRendering", "Reporting", "Datasets"]),
        .executableTarget(
            name: "RequantCommand",
            dependencies: ["Requant", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

        .target(name: "TestSupport", dependencies: ["TensorCore"], path: "Tests/TestSupport"),
        // Tests mirror the targets. Their data lies in Tests/Fixtures, found through #filePath.
        .testTarget(name: "TensorCoreTests", dependencies: ["TensorCore", "TestSupport"]),
        .testTarget(name: "MXNetFormatTests", dependencies: ["MXNetFormat", "TestSupport"]),
        .testTarget(name: "ONNXFormatTests", dependencies: ["ONNXFormat", "TestSupport"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "TestSupport"]),
        .testTarget(name: "GraphIRTests", dependencies: ["GraphIR", "TestSupport"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"]),
        .testTarget(name: "OperatorsTests", dependencies: ["Requant", "TestSupport"]),
        .testTarget(name: "TranslationTests", dependencies: ["Requant", "TestSupport"]),
        .testTarget(name: "PassesTests", dependencies: ["Requant", "TestSupport"]),
        .testTarget(name: "OneDNNBackendTests", dependencies: ["Requant", "TestSupport"]),
        .testTarget(name: "ComparisonTests", dependencies: ["Comparison", "TestSupport"]),
        .testTarget(name: "GraphRenderingTests", dependencies: ["Requant", "TestSupport"]),
        .testTarget(name: "RequantTests", dependencies: ["Requant", "TestSupport"]),
        .testTarget(name: "RequantCommandTests", dependencies: ["RequantCommand", "Requant", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
