"""Makes the ONNX files of this folder with the onnx package, and expected.json with what it reads from them."""
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))
EXPECTED = {}


def save(name, graph, functions=(), opsets=(("", 21),), check=True, **fields):
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets]
    model = helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=10)
    model.producer_name, model.producer_version = "make_fixtures", "1.0"
    for key, value in fields.items():
        setattr(model, key, value)
    if check:
        onnx.checker.check_model(model)
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(model.SerializeToString())


def array_bytes(tensor):
    """The elements as raw_data would hold them."""
    if tensor.HasField("raw_data"):
        return tensor.raw_data
    array = numpy_helper.to_array(tensor)
    if tensor.data_type in (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1):
        flat = array.view(np.uint8).reshape(-1) & 0xF
        flat = np.append(flat, np.zeros(len(flat) % 2, np.uint8))
        return (flat[0::2] | flat[1::2] << 4).astype(np.uint8).tobytes()
    return array.tobytes()


def expect_tensors(name, tensors):
    EXPECTED[name] = [
        {
            "name": tensor.name,
            "type": tensor.data_type,
            "shape": list(tensor.dims),
            "bytes": None if tensor.data_type == TensorProto.STRING else list(array_bytes(tensor)),
            "strings": [s.decode() for s in tensor.string_data],
        }
        for tensor in tensors
    ]


def scalar_graph(name, nodes, initializers=(), **fields):
    """Nodes from 'x' to 'y', both float32 vectors of any length."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    return helper.make_graph(nodes, name, [x], [y], initializer=initializers, **fields)


def storage_forms():
    """Every element type, in its typed field and in raw_data."""
    T = TensorProto
    plain = {
        T.FLOAT: [1.5, -2.25, 3e38], T.DOUBLE: [1.5, -1e300, 0.0], T.INT8: [-128, 0, 127], T.UINT8: [0, 128, 255],
        T.INT16: [-32768, -1, 32767], T.UINT16: [0, 40000, 65535], T.INT32: [-2**31, -1, 2**31 - 1],
        T.UINT32: [0, 1, 2**32 - 1], T.INT64: [-2**63, -1, 2**63 - 1], T.UINT64: [0, 1, 2**64 - 1],
        T.BOOL: [True, False, True], T.FLOAT16: [1.0, -0.5, 65504.0], T.BFLOAT16: [1.0, -0.5, 2.0**100],
        T.COMPLEX64: [1 + 2j, -3j, 0], T.COMPLEX128: [1 + 2j, -3j, 0], T.FLOAT8E4M3FN: [1.0, -0.5, 448.0],
        T.FLOAT8E4M3FNUZ: [1.0, -0.5, 240.0], T.FLOAT8E5M2: [1.0, -0.5, 57344.0],
        T.FLOAT8E5M2FNUZ: [1.0, -0.5, 57344.0], T.UINT4: [0, 7, 15], T.INT4: [-8, -1, 7], T.FLOAT4E2M1: [0.5, -1, 6],
    }
    tensors = [helper.make_tensor(f"typed_{T.DataType.Name(t)}", t, [3], values) for t, values in plain.items()]
    for tensor in list(tensors):
        raw = TensorProto(name=tensor.name.replace("typed", "raw"), data_type=tensor.data_type, dims=[3])
        raw.raw_data = array_bytes(tensor)
        tensors.append(raw)
    tensors.append(helper.make_tensor("typed_STRING", T.STRING, [2, 1], ["conv", "größe"]))
    tensors.append(helper.make_tensor("empty", T.FLOAT, [0, 4], []))
    tensors.append(helper.make_tensor("scalar", T.INT64, [], [7]))
    save("storage_forms.onnx", scalar_graph("forms", [helper.make_node("Identity", ["x"], ["y"])], tensors),
         opsets=(("", 23),))
    expect_tensors("storage_forms.onnx", tensors)


def attributes():
    """Every kind of attribute, on a node of a family that nobody checks."""
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [2], [1, 2])
    sparse = helper.make_sparse_tensor(tensor, helper.make_tensor("i", TensorProto.INT64, [2], [1, 4]), [5])
    body = helper.make_graph([helper.make_node("Identity", ["x"], ["b"])], "body", [], [
        helper.make_tensor_value_info("b", TensorProto.FLOAT, None)])
    types = [
        helper.make_tensor_type_proto(TensorProto.FLOAT, [1, "rows", None]),
        helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.INT64, None)),
        helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])),
        helper.make_optional_type_proto(helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [4])),
    ]
    node = helper.make_node("Everything", ["x", "", "x"], ["y"], name="all", domain="test", doc_string="a doc")
    for name, value in {
        "f": 1.5, "i": -(2**63), "s": b"\xff\x00raw", "t": tensor, "g": body, "sparse": sparse, "tp": types[0],
        "floats": [0.5, -1.0], "ints": [1, -1, 2**62], "strings": ["a", ""], "tensors": [tensor, tensor],
        "graphs": [body], "sparses": [sparse], "types": types,
    }.items():
        node.attribute.append(helper.make_attribute(name, value))
    node.attribute.append(helper.make_attribute("none", [], attr_type=onnx.AttributeProto.INTS))
    save("attributes.onnx", scalar_graph("attributes", [node]), opsets=(("", 21), ("test", 3)))


def control_flow():
    """An If with two branches and a Loop with a body; a value of every dimension kind; an annotation; metadata."""
    out = helper.make_tensor_value_info("branch", TensorProto.FLOAT, ["n"])
    then = helper.make_graph([helper.make_node("Relu", ["x"], ["branch"])], "then", [], [out])
    other = helper.make_graph([helper.make_node("Neg", ["x"], ["branch"])], "else", [], [out])
    body = helper.make_graph(
        [helper.make_node("Add", ["v", "one"], ["w"]), helper.make_node("Identity", ["c"], ["d"])], "body",
        [helper.make_tensor_value_info("k", TensorProto.INT64, []),
         helper.make_tensor_value_info("c", TensorProto.BOOL, []),
         helper.make_tensor_value_info("v", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("d", TensorProto.BOOL, []),
         helper.make_tensor_value_info("w", TensorProto.FLOAT, ["n"])],
        initializer=[helper.make_tensor("one", TensorProto.FLOAT, [1], [1])])
    graph = scalar_graph(
        "flow",
        [helper.make_node("If", ["yes"], ["z"], name="choose", then_branch=then, else_branch=other),
         helper.make_node("Loop", ["three", "yes", "z"], ["y"], name="repeat", body=body)],
        [helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
         helper.make_tensor("three", TensorProto.INT64, [], [3])],
        value_info=[helper.make_tensor_value_info("z", TensorProto.FLOAT, [None])], doc_string="control flow")
    note = graph.quantization_annotation.add(tensor_name="z")
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="z_scale")
    graph.metadata_props.add(key="origin", value="here")
    graph.node[0].metadata_props.add(key="stage", value="1")
    save("control_flow.onnx", graph, domain="org.example", model_version=4, doc_string="a model")


def functions():
    """A function with a required attribute, one with a default, and references to both."""
    scale = helper.make_node("Constant", [], ["a"])
    scale.attribute.add(name="value_float", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
    leaky = helper.make_node("LeakyRelu", ["s"], ["out"])
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    function = helper.make_function(
        "test", "ScaledLeakyRelu", ["in"], ["out"], [scale, helper.make_node("Mul", ["in", "a"], ["s"]), leaky],
        [helper.make_opsetid("", 21)], attributes=["alpha"], attribute_protos=[helper.make_attribute("slope", 0.125)])
    save("functions.onnx", scalar_graph("caller", [helper.make_node(
        "ScaledLeakyRelu", ["x"], ["y"], domain="test", alpha=2.0)]), [function], opsets=(("", 21), ("test", 1)))


def external_data():
    """Two weights in external.bin: one without an offset, one without a length."""
    first, second = np.arange(4, dtype=np.float32), np.arange(-8, 8, dtype=np.int8)
    with open(os.path.join(FOLDER, "external.bin"), "wb") as file:
        file.write(first.tobytes() + b"\x00" * 16 + second.tobytes())
    tensors = []
    for name, array, place in (("first", first, {"length": "16"}), ("second", second, {"offset": "32"})):
        tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": "external.bin", **place}.items():
            tensor.external_data.add(key=key, value=value)
        tensors.append(tensor)
    save("external.onnx", scalar_graph("external", [helper.make_node("Identity", ["x"], ["y"])], tensors), check=False)
    onnx.checker.check_model(os.path.join(FOLDER, "external.onnx"))
    for tensor, array in zip(tensors, (first, second)):
        tensor.raw_data = array.tobytes()
    expect_tensors("external.onnx", tensors)


def sparse_initializers():
    values = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.5, -2])
    sparse = helper.make_sparse_tensor(values, helper.make_tensor("", TensorProto.INT64, [2], [1, 5]), [2, 3])
    graph = scalar_graph("sparse", [helper.make_node("Identity", ["x"], ["y"])], sparse_initializer=[sparse])
    save("sparse.onnx", graph)


if __name__ == "__main__":
    storage_forms()
    attributes()
    control_flow()
    functions()
    external_data()
    sparse_initializers()
    with open(os.path.join(FOLDER, "expected.json"), "w") as file:
        json.dump(EXPECTED, file, indent=None, sort_keys=True)
        file.write("\n")
