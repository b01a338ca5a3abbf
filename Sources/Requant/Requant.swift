/// `import Requant` is all that an application needs: the modules that the public interface is made of come with it.
///
/// - TensorCore: `Tensor`, `Shape`, `ModelError`
/// - Datasets: `Dataset`, `Preprocessing`
/// - GraphIR: `Graph`
/// - Operators, Passes: the choices of a quantization, what passes did
/// - Comparison: `ComparisonReport`
/// - GraphRendering: `GraphDrawing`, `Stage`
@_exported import Comparison
@_exported import Datasets
@_exported import GraphIR
@_exported import GraphRendering
@_exported import Operators
@_exported import Passes
@_exported import TensorCore
