import TensorCore

/// Writes `.params` files, byte for byte what MXNet's `nd.save` makes of the same arrays in the same order. The layout
/// is at `ParametersReader`; every array is written in its own version.
public enum ParametersWriter {
    /// Elements go straight from where they lie to the file.
    /// - Throws: `ModelError` if an array cannot be written in its version, or the file cannot be written.
    public static func write(_ parameters: MXNetParameters, to path: String) throws {
        try FileOutput.write(to: path) { file in
            try file.writeLittleEndian(ParametersReader.listMagic)
            try file.writeLittleEndian(0 as UInt64)
            try file.writeLittleEndian(UInt64(parameters.entries.count))
            for (index, entry) in parameters.entries.enumerated() {
                let name = parameters.isNamed ? "'\(entry.name)'" : "\(index + 1)"
                try locating(path) { try locating("array \(name)") { try file.write(entry.array) } }
            }
            let names = parameters.isNamed ? parameters.entries.map(\.name) : []
            try file.writeLittleEndian(UInt64(names.count))
            for name in names {
                try file.writeLittleEndian(UInt64(name.utf8.count))
                try file.write(name)
            }
        }
    }
}

extension FileWriter {
    fileprivate func write(_ array: MXNetArray) throws {
        switch array.storage {
        case .none: try writeNone(array.version)
        case .dense(let tensor):
            try writeHeader(of: tensor.shape, array.version)
            try write(array.device)
            try write(tensor.dataType)
            try write(tensor)
        case .rowSparse(let values, let indices, let shape):
            try writeSparse(array, 1, shape, values, [indices])
        case .compressedRows(let values, let rowPointers, let columns, let shape):
            try writeSparse(array, 2, shape, values, [rowPointers, columns])
        }
    }

    /// Everything before the device.
    private func writeHeader(of shape: Shape, _ version: MXNetArray.Version) throws {
        guard shape.rank > 0 || version == .v3 else {
            throw ModelError(
                "a scalar can only be written under NumPy's shapes", advice: "write version v3, or shape (1)")
        }
        switch version {
        case .v0:
            try writeLittleEndian(UInt32(shape.rank))
            for dimension in shape.dimensions {
                guard let narrow = UInt32(exactly: dimension) else {
                    throw ModelError("extent \(dimension) does not fit the 32 bits of version v0", advice: "use v2")
                }
                try writeLittleEndian(narrow)
            }
        case .v1:
            try writeLittleEndian(ParametersReader.v1Magic)
            try write(shape)
        case .v2, .v3:
            try writeLittleEndian(version == .v2 ? ParametersReader.v2Magic : ParametersReader.v3Magic)
            try writeLittleEndian(0 as Int32)
            try write(shape)
        }
    }

    private func writeNone(_ version: MXNetArray.Version) throws {
        switch version {
        case .v0: break
        case .v1: try writeLittleEndian(ParametersReader.v1Magic)
        case .v2, .v3:
            try writeLittleEndian(version == .v2 ? ParametersReader.v2Magic : ParametersReader.v3Magic)
            try writeLittleEndian(0 as Int32)
        }
        // The rank: 0 has no shape, except in v3, where it is a scalar.
        try writeLittleEndian(version == .v3 ? -1 : 0 as Int32)
    }

    private func writeSparse(
        _ array: MXNetArray, _ storage: Int32, _ shape: Shape, _ values: Tensor, _ indices: [Tensor]
    ) throws {
        guard array.version == .v2 else { throw ModelError("a sparse array can only be written in version v2") }
        try writeLittleEndian(ParametersReader.v2Magic)
        try writeLittleEndian(storage)
        try write(values.shape)
        try write(shape)
        try write(array.device)
        try write(values.dataType)
        for index in indices {
            try write(index.dataType)
            try write(index.shape)
        }
        try write(values)
        for index in indices { try write(index) }
    }

    private func write(_ shape: Shape) throws {
        try writeLittleEndian(Int32(shape.rank))
        for dimension in shape.dimensions { try writeLittleEndian(Int64(dimension)) }
    }

    private func write(_ device: MXNetArray.Device) throws {
        try writeLittleEndian(device.kind)
        try writeLittleEndian(device.index)
    }

    private func write(_ type: DataType) throws { try writeLittleEndian(Int32(type.mxnetTypeFlag)) }
}
