import ArgumentParser

/// A command as a help page shows it, under a line that says what it is for:
///
///     # To ONNX, with integer kernels for all of it in ONNX Runtime
///     requant convert resnet18-int8 -o resnet18-int8.onnx \
///         --shape data=1,3,224,224 --residual runtime
///
/// The argument parser would break a long command anywhere; here it goes on behind a backslash, so that it can be copied.
struct Example {
    var purpose: String
    var command: String

    init(_ purpose: String, _ command: String) {
        self.purpose = purpose
        self.command = command
    }

    private static let width = 76

    var text: String {
        var lines = ["  # \(purpose)"], line = "  "
        // An option stays with its value.
        let words = command.split(separator: " ").reduce(into: [String]()) { words, word in
            if let last = words.last, last.hasPrefix("-"), !last.contains(" "), !word.hasPrefix("-") {
                words[words.count - 1] += " \(word)"
            } else {
                words.append(String(word))
            }
        }
        for word in words {
            if line.count + word.count + 2 > Self.width {
                lines.append(line + " \\")
                line = "     "
            }
            line += line.allSatisfy { $0 == " " } && line.count < 4 ? word : " \(word)"
        }
        return (lines + [line]).joined(separator: "\n")
    }
}

extension CommandConfiguration {
    /// A verb: what it does in one line, what else to know, and commands to copy.
    init(abstract: String, discussion: String = "", examples: [Example]) {
        let shown = "Examples:\n" + examples.map { "\n" + $0.text }.joined(separator: "\n")
        self.init(abstract: abstract, discussion: (discussion.isEmpty ? "" : discussion + "\n\n") + shown)
    }
}
