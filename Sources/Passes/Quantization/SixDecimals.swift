import Foundation

/// C's `%f`: what MXNet writes of a calibrated range. Ranges below 5e-7 become zero, which the reader has to live with.
func sixDecimals(_ value: Float) -> String { String(format: "%.6f", Double(value)) }
