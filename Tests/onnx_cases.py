#!/usr/bin/env python3
"""Runs the standard's own test cases through `requant run`, and says of each: passed, refused (and why), wrong.

    python3 Tests/onnx_cases.py REQUANT [SET…] [--filter TEXT] [--report FILE]

REQUANT is the built tool; SET is node, simple, light, pytorch-converted or pytorch-operator (all by default). Needs the
packages onnx==1.16.2 (the last whose wheel has the cases of the nodes) and numpy.
"""
import argparse, collections, concurrent.futures, glob, os, re, subprocess, sys, tempfile

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper

DATA = os.path.join(os.path.dirname(onnx.backend.test.__file__), 'data')
SETS = ['node', 'simple', 'light', 'pytorch-converted', 'pytorch-operator']


def array(path, value):
    """The tensor in a .pb file; None if it holds no tensor."""
    if not value.type.HasField('tensor_type'):
        return None
    tensor = onnx.TensorProto()
    with open(path, 'rb') as file:
        tensor.ParseFromString(file.read())
    result = numpy_helper.to_array(tensor)
    if value.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
        # NumPy has no bfloat16; the cases keep its bits, under either type.
        result = (tensor_bits(tensor).astype(np.uint32) << 16).view(np.float32).reshape(result.shape)
    return None if result.dtype == object else result


def tensor_bits(tensor):
    return np.frombuffer(tensor.raw_data, np.uint16) if tensor.raw_data else np.array(tensor.int32_data, np.uint16)


def run(tool, case, folder):
    """'passed', or ('refused' | 'wrong' | 'crashed', why)."""
    path = os.path.join(case, 'model.onnx')
    model = onnx.load(path)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    for data in sorted(glob.glob(os.path.join(case, 'test_data_set_*'))):
        arguments = []
        for index, value in enumerate(inputs):
            source = os.path.join(data, f'input_{index}.pb')
            if not os.path.exists(source):
                continue
            tensor = array(source, value)
            if tensor is None:
                return 'refused', 'an input is no tensor of numbers'
            target = os.path.join(folder, f'{index}.npy')
            np.save(target, tensor)
            arguments += ['--data', f'{value.name}={target}']
        out = os.path.join(folder, 'out.npz')
        command = [tool, 'run', path, *arguments, '--batch-size', '1000000', '-o', out, '--quiet', '--threads', '1']
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return 'crashed', 'still runs after two minutes'
        if result.returncode == 1:
            return 'refused', result.stderr.strip().split('\n')[-1]
        if result.returncode != 0:
            return 'crashed', f'exit code {result.returncode}: {result.stderr.strip()[-200:]}'
        outputs = np.load(out)
        for index, value in enumerate(model.graph.output):
            expected = array(os.path.join(data, f'output_{index}.pb'), value)
            if expected is None:
                return 'refused', 'an output is no tensor of numbers'
            if value.name not in outputs.files:
                return 'wrong', f'there is no output {value.name}'
            problem = difference(outputs[value.name], expected)
            if problem:
                return 'wrong', f'{value.name}: {problem}'
    return 'passed'


def difference(actual, expected):
    """What is wrong; the limits are those of ONNX's own runner."""
    if actual.shape != expected.shape:
        return f'shape {actual.shape}, expected {expected.shape}'
    if actual.dtype != expected.dtype and expected.dtype.kind in 'iub':
        return f'type {actual.dtype}, expected {expected.dtype}'
    if not np.allclose(actual.astype(np.float64), expected.astype(np.float64), rtol=1e-3, atol=1e-7, equal_nan=True):
        gap = np.abs(actual.astype(np.float64) - expected.astype(np.float64)).max()
        return f'differs by {gap:g}'
    return None


def reason(text):
    """The text without what is special about one case."""
    return re.sub(r"'[^']*'", '…', re.sub(r'^.*?error: ', '', text, flags=re.I))[:150]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('tool')
    parser.add_argument('sets', nargs='*', default=SETS)
    parser.add_argument('--filter', default='')
    parser.add_argument('--report')
    options = parser.parse_args()
    lines = []
    for name in options.sets or SETS:
        cases = [c for c in sorted(glob.glob(os.path.join(DATA, name, '*/'))) if options.filter in c]
        cases = [c for c in cases if os.path.exists(os.path.join(c, 'model.onnx'))]

        def attempt(case):
            with tempfile.TemporaryDirectory() as folder:
                return run(os.path.abspath(options.tool), case, folder)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = dict(zip(cases, pool.map(attempt, cases)))
        counts = collections.Counter(r if r == 'passed' else r[0] for r in results.values())
        print(f'{name}: ' + ', '.join(f'{counts[k]} {k}' for k in ['passed', 'refused', 'wrong', 'crashed']))
        for case, result in results.items():
            if result != 'passed':
                lines.append((name, os.path.basename(case[:-1]), *result))
    if options.report:
        with open(options.report, 'w') as file:
            for line in lines:
                print('\t'.join(line), file=file)
    else:
        for line in lines:
            print('\t'.join(line))
    return any(line[2] in ('wrong', 'crashed') for line in lines)


if __name__ == '__main__':
    sys.exit(main())
