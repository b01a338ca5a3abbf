"""What MXNet 1.9.1 itself finds in the checkpoints of a folder: inventory.py FOLDER > INVENTORY.json

Run with MXNet 1.9.1 (Python 3.8, NumPy 1.23.5). Arrays: name, type, layout, shape, and of the dense array the sum (in
doubles) and the largest value. Symbols: how often each operator occurs, the variables, the number of outputs.
"""
import collections
import json
import os
import sys

import mxnet as mx
import numpy as np


def arrays(path):
    loaded = mx.nd.load(path)
    named = loaded.items() if isinstance(loaded, dict) else [("", array) for array in loaded]
    found = []
    for name, array in named:
        dense = array.tostype("default") if array.stype != "default" else array
        values = dense.astype("float32").asnumpy() if str(dense.dtype) not in np.sctypeDict else dense.asnumpy()
        values = values.astype(np.float64)
        found.append({
            "name": name, "type": np.dtype(array.dtype).name.replace("void16", "bfloat16"), "layout": array.stype, "shape": list(array.shape),
            "sum": values.sum(), "largest": values.max() if values.size else 0,
        })
    return found


def symbol(path):
    loaded = mx.sym.load(path)
    nodes = json.loads(loaded.tojson(remove_amp_cast=False))["nodes"]
    return {
        "operators": collections.Counter(node["op"] for node in nodes if node["op"] != "null"),
        "variables": loaded.list_inputs(),
        "outputs": len(loaded.list_outputs()),
    }


def read(path):
    reader = symbol if path.endswith("-symbol.json") else arrays
    refusals = []
    for np_shape in (False, True):
        mx.util.set_np_shape(np_shape)
        try:
            return reader(path)
        except mx.base.MXNetError as error:
            refusals.append(str(error).strip().splitlines()[-1])
    return {"refused": refusals[0]}


folder = sys.argv[1]
names = sorted(name for name in os.listdir(folder) if name.endswith(("-symbol.json", ".params", ".v0")))
print("{")
print(",\n".join(json.dumps(name) + ": " + json.dumps(read(os.path.join(folder, name)), sort_keys=True) for name in names))
print("}")
