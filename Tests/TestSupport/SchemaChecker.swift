import Foundation

/// As much of JSON Schema 2020-12 as the schemas of this project use: type, enum, anyOf, $ref, required, properties,
/// additionalProperties, items, minimum and maximum.
public struct SchemaChecker {
    private let root: [String: Any]

    /// The schema `Schemas/FILE`.
    public init(file: String) throws {
        let schema = try Data(contentsOf: URL(fileURLWithPath: Fixtures.schema(file)))
        root = try JSONSerialization.jsonObject(with: schema) as? [String: Any] ?? [:]
    }

    /// A line for each place of `json` that the schema does not allow.
    public func problems(in json: Data) throws -> [String] {
        check(try JSONSerialization.jsonObject(with: json), root, at: "$")
    }

    private func check(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
        var problems: [String] = []
        if let reference = schema["$ref"] as? String {
            let name = String(reference.split(separator: "/").last ?? "")
            guard let target = (root["$defs"] as? [String: Any])?[name] as? [String: Any] else {
                return ["\(place) refers to \(reference), which does not exist"]
            }
            problems += check(value, target, at: place)
        }
        if let type = schema["type"] as? String, !has(value, type) { problems.append("\(place) is no \(type)") }
        if let choices = schema["enum"] as? [String], !choices.contains(value as? String ?? "") {
            problems.append("\(place) is none of \(choices)")
        }
        if let options = schema["anyOf"] as? [[String: Any]],
            !options.contains(where: { check(value, $0, at: place).isEmpty })
        {
            problems.append("\(place) is of no kind that is allowed")
        }
        if let number = value as? NSNumber {
            if let low = schema["minimum"] as? NSNumber, number.doubleValue < low.doubleValue {
                problems.append("\(place) is below \(low)")
            }
            if let high = schema["maximum"] as? NSNumber, number.doubleValue > high.doubleValue {
                problems.append("\(place) is above \(high)")
            }
        }
        if let items = schema["items"] as? [String: Any], let elements = value as? [Any] {
            for (index, element) in elements.enumerated() {
                problems += check(element, items, at: "\(place)[\(index)]")
            }
        }
        if let object = value as? [String: Any] { problems += check(object, schema, at: place) }
        return problems
    }

    private func check(_ object: [String: Any], _ schema: [String: Any], at place: String) -> [String] {
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        var problems = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }.map {
            "\(place).\($0) is missing"
        }
        for (key, value) in object {
            if let property = properties[key] {
                problems += check(value, property, at: "\(place).\(key)")
            } else if schema["additionalProperties"] as? Bool == false {
                problems.append("\(place).\(key) is not known")
            }
        }
        return problems
    }

    private func has(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "boolean": value is Bool
        case "string": value is String
        case "number": value is NSNumber
        case "integer": (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }
}
