import TensorCore

/// Writes `.params` files as MXNet 1.9.1's `nd.save` does, byte for byte; see `ParametersReader` for the layout.
public enum ParametersWriter {
    public static func write(_ parameters: MXNetParameters, to path: String) throws {
        try FileOutput.write(to: path) { writer in
            try writer.writeLittleEndian(ParametersReader.fileMagic)
            try writer.writeLittleEndian(UInt64(0))
            try writer.writeLittleEndian(UInt64(parameters.entries.count))
            for entry in parameters.entries { try write(entry.array, writer) }
            let names = parameters.isNamed ? parameters.entries.map(\.name) : []
            try writer.writeLittleEndian(UInt64(names.count))
            for name in names {
                try writer.writeLittleEndian(UInt64(name.utf8.count))
                try writer.write(name)
            }
        }
    }

    private static func write(_ array: MXNetArray, _ writer: FileWriter) throws {
        let magic = ParametersReader.magics.first { $0.value == array.version }?.key
        switch array.storage {
        case .none:
            if let magic { try writer.writeLittleEndian(magic) }
            if array.version == .v2 || array.version == .v3 { try writer.writeLittleEndian(Int32(0)) }
            try writer.writeLittleEndian(Int32(array.version == .v3 ? -1 : 0))
        case .dense(let tensor):
            if let magic { try writer.writeLittleEndian(magic) }
            if array.version == .v2 || array.version == .v3 { try writer.writeLittleEndian(Int32(0)) }
            try writeShape(tensor.shape, array.version, writer)
            try writeDevice(array, writer)
            try writer.writeLittleEndian(TypeFlag.flag(tensor.dataType))
            try writer.write(tensor)
        case .rowSparse(let data, let indices, let shape):
            try writeSparse(array, type: 1, data, [indices], shape, writer)
        case .compressedRows(let data, let rowPointers, let columns, let shape):
            try writeSparse(array, type: 2, data, [rowPointers, columns], shape, writer)
        }
    }

    private static func writeSparse(
        _ array: MXNetArray, type: Int32, _ data: Tensor, _ indices: [Tensor], _ shape: Shape, _ writer: FileWriter
    ) throws {
        try writer.writeLittleEndian(UInt32(0xF993_FAC9))
        try writer.writeLittleEndian(type)
        try writeShape(data.shape, .v2, writer)
        try writeShape(shape, .v2, writer)
        try writeDevice(array, writer)
        try writer.writeLittleEndian(TypeFlag.flag(data.dataType))
        for tensor in indices {
            try writer.writeLittleEndian(TypeFlag.flag(tensor.dataType))
            try writeShape(tensor.shape, .v2, writer)
        }
        try writer.write(data)
        for tensor in indices { try writer.write(tensor) }
    }

    private static func writeDevice(_ array: MXNetArray, _ writer: FileWriter) throws {
        try writer.writeLittleEndian(array.device.kind)
        try writer.writeLittleEndian(array.device.index)
    }

    private static func writeShape(_ shape: Shape, _ version: MXNetArray.Version, _ writer: FileWriter) throws {
        try writer.writeLittleEndian(Int32(shape.rank))
        for dimension in shape.dimensions {
            if version == .v0 { try writer.writeLittleEndian(UInt32(dimension)) } else {
                try writer.writeLittleEndian(Int64(dimension))
            }
        }
    }
}
