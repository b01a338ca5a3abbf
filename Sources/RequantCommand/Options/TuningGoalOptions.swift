import ArgumentParser
import Requant

/// How close to the float model a tuned model has to come.
struct TuningGoalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Top-1 may be lower by this share of the samples, in 0…1: 0.005 is half a point. Needs labels.",
            valueName: "p"))
    var maxDrop: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("No output may have a lower SQNR.", valueName: "db"))
    var minSqnr: Double?

    func validate() throws {
        if let maxDrop, !(0...1).contains(maxDrop) {
            throw ValidationError("--max-drop is a share in 0…1, such as 0.005 for half a point, not \(maxDrop).")
        }
        if maxDrop == nil && minSqnr == nil {
            throw ValidationError("Give a goal: --max-drop 0.005 for data with labels, or --min-sqnr 30.")
        }
    }

    var goal: TuningGoal { TuningGoal(maximumDrop: maxDrop, minimumSQNR: minSqnr) }
}
