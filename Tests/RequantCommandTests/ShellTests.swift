import Foundation
import TestSupport
import Testing

/// What shells and terminals get: completions, the manual page, progress, colour.
struct ShellTests {
    // MARK: Completions

    @Test(arguments: ["bash", "zsh", "fish"]) func completionScript(_ shell: String) throws {
        let result = try RequantProcess("--generate-completion-script", shell)
        #expect(result.status == 0 && result.errors.isEmpty)
        for word in HelpTests.verbs + ["calibrate-layer", "onnx"] { #expect(result.output.contains(word), "\(word)") }
    }

    @Test func theScriptForBashIsSound() throws {
        let result = try RequantProcess(shell: "\"$0\" --generate-completion-script bash | bash -n")
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    }

    /// The scripts ask the command itself for what only it knows.
    @Test func namesComeFromTheModelOnTheLine() throws {
        func offers(_ verb: String, _ option: String) throws -> [String] {
            let line = ["requant", verb, Sample.model, option, ""]
            let result = try RequantProcess(["---completion", verb, "--", option, "4", "0"] + line)
            return result.output.split(separator: "\n").map(String.init)
        }
        #expect(try offers("quantize", "--exclude").contains("resnetv10_stage1_conv0_fwd"))
        #expect(try offers("quantize", "--exclude-op").contains("FullyConnected"))
        #expect(try offers("render", "--block").contains("resnetv10_stage4__plus1"))
        #expect(try offers("inspect", "--shape") == ["data="])
    }

    // MARK: The manual page

    @Test func theManualHasEveryVerbAndOption() throws {
        let page = try RequantProcess("manual").output
        #expect(page.hasPrefix(".TH REQUANT 1"))
        for verb in HelpTests.verbs {
            #expect(page.contains(".SS \\fBrequant \(verb)\\fR"))
            let help = try RequantProcess("help", verb).output
            for match in help.matches(of: /\n  (?:-. ?, )?--([a-z0-9-]+)/) {
                let option = "\\fB\\-\\-" + match.output.1.replacingOccurrences(of: "-", with: "\\-") + "\\fR"
                #expect(page.contains(option), "\(verb) \(option)")
            }
        }
        #expect(page.utf8.allSatisfy { $0 < 128 })
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/groff"), "there is no groff"))
    func groffHasNoComplaints() throws {
        let result = try RequantProcess(shell: "\"$0\" manual | groff -man -Tutf8 -ww > /dev/null")
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    }

    // MARK: Terminals

    @Test func withoutATerminalThereIsNoColourAndNoProgress() throws {
        let result = try RequantProcess(["run", Sample.model] + Sample.testData + Sample.few)
        #expect(result.status == 0 && !result.errors.contains("\u{1B}") && !result.errors.contains("running"))
        #expect(try !RequantProcess("inspect", "/nowhere/m").errors.contains("\u{1B}"))
    }

    /// `script` runs a command on a terminal of its own; `2>&1` of that is what somebody would see.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/script"), "there is no script"))
    func onATerminalThereAreBoth() throws {
        func seen(_ arguments: [String], environment: String = "TERM=xterm NO_COLOR=") throws -> String {
            let command = arguments.map { "'\($0)'" }.joined(separator: " ")
            let line = "export \(environment) REQUANT=\"$0\"; script -qec \"$REQUANT \(command)\" /dev/null < /dev/null"
            return try RequantProcess(shell: line).output
        }
        let run = ["run", Sample.model] + Sample.testData + Sample.few
        let progress = try seen(run)
        #expect(progress.contains("running  1/1  ████████████████████") && progress.contains("batches/s, 0 s left"))
        #expect(try !seen(run + ["--quiet"]).contains("running  1/1"))
        #expect(try seen(["inspect", "/nowhere/m"]).contains("\u{1B}[1;31merror:\u{1B}[0m"))
        #expect(try !seen(["inspect", "/nowhere/m"], environment: "TERM=xterm NO_COLOR=1").contains("\u{1B}"))
        #expect(try !seen(["inspect", "/nowhere/m"], environment: "TERM=dumb").contains("\u{1B}"))
    }
}
