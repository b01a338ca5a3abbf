import Foundation

/// `3.142e-05`: four significant digits.
func significant(_ value: Double) -> String { infinityText(value) ?? String(format: "%.4g", value) }

/// `38.2 dB`
func decibels(_ value: Double) -> String { "\(tenths(value)) dB" }

/// `38.2`
func tenths(_ value: Double) -> String { infinityText(value) ?? String(format: "%.1f", value) }

/// `98.40 %` for 0.984.
func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

/// `∞` or `-∞`; nil for every other number.
func infinityText(_ value: Double) -> String? { value.isInfinite ? value < 0 ? "-∞" : "∞" : nil }
