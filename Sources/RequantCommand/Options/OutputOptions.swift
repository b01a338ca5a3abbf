import ArgumentParser

/// How results are shown.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Prints JSON; Schemas/ describes it.")
    var json = false

    @Flag(help: "Shows no progress.")
    var quiet = false
}
