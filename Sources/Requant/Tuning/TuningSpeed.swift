import OneDNNBackend
import TensorCore

/// What a trial's model would take, put together from the profiles of the float model and of the one that is all int8:
///
///     time = int8 model + Σ over float layers (its time in float − its time in int8)
///
/// Conversions between float and int8 at the borders are left out.
struct TuningSpeed {
    let float: Duration
    let int8: Duration
    /// By layer.
    let floatLayers: [String: Duration]
    let int8Layers: [String: Duration]

    /// - Throws: `ModelError` if the shapes of the inputs are not known.
    init(float: Model, int8: Model, _ layers: [TuningLayer], _ options: TimingOptions) throws {
        let (a, b) = (try float.layerProfile(options), try int8.layerProfile(options))
        self.float = a.duration
        self.int8 = b.duration
        floatLayers = Self.layers(a, layers)
        int8Layers = Self.layers(b, layers)
    }

    init(float: Duration, int8: Duration, floatLayers: [String: Duration], int8Layers: [String: Duration]) {
        self.float = float
        self.int8 = int8
        self.floatLayers = floatLayers
        self.int8Layers = int8Layers
    }

    private static func layers(_ profile: ModelProfile, _ layers: [TuningLayer]) -> [String: Duration] {
        var owners: [String: String] = [:]
        for layer in layers { for origin in layer.origins { owners[origin] = layer.name } }
        var durations: [String: Duration] = [:]
        for row in profile.layers {
            guard let owner = row.origins.compactMap({ owners[$0] }).first else { continue }
            durations[owner, default: .zero] += row.duration
        }
        return durations
    }

    func duration(excluding layers: [String]) -> Duration {
        layers.reduce(int8) { $0 + (floatLayers[$1] ?? .zero) - (int8Layers[$1] ?? .zero) }
    }
}
