// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "LibrarySample",
    dependencies: [.package(name: "Requant", path: "../..")],
    targets: [
        .executableTarget(name: "LibrarySample", dependencies: [.product(name: "Requant", package: "Requant")])
    ],
    swiftLanguageModes: [.v6]
)
