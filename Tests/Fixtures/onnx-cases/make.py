#!/usr/bin/env python3
"""Copies cases of the set `node` of ONNX's own tests to this folder: NAME.onnx, and NAME.npz with inputs and outputs.

    python3 make.py test_add_bcast test_gemm_all_attributes …

Needs onnx==1.16.2 and numpy.
"""
import glob, os, shutil, sys

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper

DATA = os.path.join(os.path.dirname(onnx.backend.test.__file__), 'data', 'node')
HERE = os.path.dirname(os.path.abspath(__file__))


def tensors(folder, kind):
    for index in range(len(glob.glob(os.path.join(folder, f'{kind}_*.pb')))):
        tensor = onnx.TensorProto()
        with open(os.path.join(folder, f'{kind}_{index}.pb'), 'rb') as file:
            tensor.ParseFromString(file.read())
        yield f'{kind[0]}{index}', numpy_helper.to_array(tensor)


for case in sys.argv[1:]:
    data = os.path.join(DATA, case, 'test_data_set_0')
    name = os.path.join(HERE, case.removeprefix('test_'))
    shutil.copyfile(os.path.join(DATA, case, 'model.onnx'), name + '.onnx')
    np.savez_compressed(name + '.npz', **dict(tensors(data, 'input')), **dict(tensors(data, 'output')))
