"""Writes the arrays of this folder with NumPy: `python3 make.py`."""
import numpy as np

values = np.arange(-6, 6).reshape(3, 4)
types = {
    "float32": "f4", "float64": "f8", "float16": "f2", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "b1",
}
for name, code in types.items():
    array = (abs(values) if code[0] == "u" else values % 2 if code == "b1" else values).astype(code)
    np.save(f"{name}.npy", array)
    if name in ("float32", "int16", "float64"):
        np.save(f"{name}-big.npy", array.astype(">" + code))
        np.save(f"{name}-fortran.npy", np.asfortranarray(array))
cube = np.arange(24, dtype="i4").reshape(2, 3, 4)
np.save("cube-fortran-big.npy", np.asfortranarray(cube.astype(">i4")))
np.save("scalar.npy", np.float32(2.5))
np.save("empty.npy", np.zeros((2, 0, 3), "f4"))
for version in ((2, 0), (3, 0)):
    with open(f"version{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, cube, version=version)
np.save("complex.npy", np.ones(2, "c8"))
np.save("structured.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
arrays = {"data": cube, "label": np.array([3, 1], "i4"), "scale.0": np.float32(0.5), "fortran": np.asfortranarray(cube)}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
