import ArgumentParser

/// For those who package the command: not a verb for every day, and not in the list.
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints the manual page, requant.1.", shouldDisplay: false)

    func run() throws { try Terminal.print(ManualPage(dump: RequantCommand._dumpHelp()).text, terminator: "") }
}
