/// What a user can do about an operator that stands in the way.
enum OperatorAdvice {
    /// About one that stays in float between quantized layers.
    static let onFloat = "it may as well stay in float; the layers around it are quantized all the same"

    /// About codes that are not calibrated.
    static let onRunTimeRange = "calibrate: give 'requant quantize' data, or a table of ranges"

    /// About a known one in a form that it cannot be computed in.
    static let onRefusal =
        "the model is drawn, and written again as an MXNet checkpoint, with the node untouched; to go further, build the "
        + "layer in the form that 'requant operators' describes"

    /// About one that the table of operators lacks.
    static func advice(onUnknown op: String, isMXNet: Bool) -> String {
        guard isMXNet else {
            return "simplify or export the model again without it; 'requant operators' lists what is known"
        }
        return families.first { $0.includes(op) }?.advice
            ?? "the model is drawn, and written again as an MXNet checkpoint, with the operator untouched; to go further, "
            + "replace it by those that 'requant operators' lists"
    }

    private struct Family: Sendable {
        var includes: @Sendable (String) -> Bool
        var advice: String
    }

    private static let families = [
        Family(
            includes: { $0.hasSuffix("Output") || $0 == "MakeLoss" || $0 == "make_loss" || $0 == "BlockGrad" },
            advice: "it is for training; save the part of the symbol before it: sym.get_internals()['NAME_output']"),
        Family(
            includes: { ["_foreach", "_while_loop", "_cond"].contains($0) },
            advice: "loops and branches are not followed; unroll them before exporting, as cell.unroll() does"),
        Family(
            includes: { $0.hasPrefix("amp_") },
            advice:
                "it is of mixed precision; save the model before amp.convert_model, or cast it with net.cast('float32')"
        ),
        Family(
            includes: { op in ["_np_", "_npi_", "_npx_"].contains { op.hasPrefix($0) } },
            advice:
                "it is of MXNet's NumPy operators; export a network of classic ones, with F.name instead of F.np.name"),
        Family(
            includes: { ["Custom", "_CustomFunction", "_Native", "_NDArray"].contains($0) },
            advice: "its code is in the program that made the model; replace it by operators of MXNet's own"),
        Family(
            includes: { $0.hasPrefix("_sg_") || $0.hasPrefix("_contrib_quantized_") || $0.hasPrefix("_FusedOp") },
            advice: "MXNet made it from others; start from the float model before fusion and quantization"),
    ]
}
