#!/usr/bin/env python3
"""Runs the standard's own test cases through `requant run`, and says of each: passed, refused (and why), disputed, wrong.

    python3 Tests/onnx_cases.py REQUANT [SET…] [--filter TEXT] [--report FILE] [--summary FILE]

REQUANT is the built tool; SET is node, simple, light, pytorch-converted or pytorch-operator (all by default). The
report has a line for every case that did not pass, the summary (Tests/onnx_cases.md) counts them by reason. Needs the
packages onnx==1.16.2 (the last whose wheel has the cases of the nodes) and numpy.
"""
import argparse, collections, concurrent.futures, glob, os, re, subprocess, sys, tempfile

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper

DATA = os.path.join(os.path.dirname(onnx.backend.test.__file__), 'data')
SETS = ['node', 'simple', 'light', 'pytorch-converted', 'pytorch-operator']

# Cases whose stored data is not what the standard's text says. ONNX Runtime computes what we compute.
DISPUTED = {
    'the stored int8 codes wrap around, where QLinearMatMul saturates': [
        'test_qlinearmatmul_2D_int8_float16', 'test_qlinearmatmul_2D_int8_float32',
        'test_qlinearmatmul_3D_int8_float16', 'test_qlinearmatmul_3D_int8_float32'],
    'corners are aligned with a length that is not rounded down to that of the result': [
        'test_resize_downsample_scales_cubic_align_corners', 'test_resize_downsample_scales_linear_align_corners'],
    'the stored bfloat16 is cut off, where it should be rounded to the nearest': [
        'test_cast_FLOAT_to_BFLOAT16', 'test_castlike_FLOAT_to_BFLOAT16', 'test_castlike_FLOAT_to_BFLOAT16_expanded'],
    'counts elements behind the padding, over which the last window hangs': [
        'test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True'],
}
OUTCOMES = ['passed', 'refused', 'disputed', 'wrong', 'crashed']


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


def cases_of(name):
    """The cases of a set: a folder each, or, in the set light, a model each."""
    if name == 'light':
        return sorted(glob.glob(os.path.join(DATA, name, '*.onnx')))
    return [c[:-1] for c in sorted(glob.glob(os.path.join(DATA, name, '*/'))) if os.path.exists(f'{c}model.onnx')]


def data_sets(case, inputs, outputs):
    """Pairs of lists: the given inputs by name and the expected outputs, each None if it is no tensor of numbers."""
    if case.endswith('.onnx'):
        # ONNX's own runner makes these inputs up: 0, 1/n, 2/n … of n elements.
        shapes = [[d.dim_value or 1 for d in value.type.tensor_type.shape.dim] for value in inputs]
        made = [(np.arange(np.prod(s)).reshape(s) / np.prod(s)).astype(np.float32) for s in shapes]
        stored = [array(f'{case[:-5]}_output_{i}.pb', value) for i, value in enumerate(outputs)]
        yield [(value.name, tensor) for value, tensor in zip(inputs, made)], stored
        return
    for folder in sorted(glob.glob(os.path.join(case, 'test_data_set_*'))):
        files = [(value, os.path.join(folder, f'input_{i}.pb')) for i, value in enumerate(inputs)]
        given = [(value.name, array(file, value)) for value, file in files if os.path.exists(file)]
        yield given, [array(os.path.join(folder, f'output_{i}.pb'), value) for i, value in enumerate(outputs)]


def run(tool, case, folder):
    """'passed', or ('refused' | 'wrong' | 'crashed', why)."""
    path = case if case.endswith('.onnx') else os.path.join(case, 'model.onnx')
    model = onnx.load(path)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    for given, expected in data_sets(case, inputs, model.graph.output):
        arguments = []
        for index, (name, tensor) in enumerate(given):
            if tensor is None:
                return 'refused', 'an input is no tensor of numbers'
            target = os.path.join(folder, f'{index}.npy')
            np.save(target, tensor)
            arguments += ['--data', f'{name}={target}']
        out = os.path.join(folder, 'out.npz')
        command = [tool, 'run', path, *arguments, '--batch-size', '1000000', '-o', out, '--quiet', '--threads', '1']
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return 'crashed', 'still runs after five minutes'
        if result.returncode == 1:
            return 'refused', result.stderr.strip().split('\n')[-1]
        if result.returncode != 0:
            return 'crashed', f'exit code {result.returncode}: {result.stderr.strip()[-200:]}'
        results = np.load(out)
        for value, tensor in zip(model.graph.output, expected):
            if tensor is None:
                return 'refused', 'an output is no tensor of numbers'
            if value.name not in results.files:
                return 'wrong', f'there is no output {value.name}'
            problem = difference(results[value.name], tensor)
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
    text = re.sub(r'^.*?error: ', '', text)
    if match := re.search(r'operators that are not known: (?:ai\.onnx\.(?!ml|preview))?([\w.]+)', text):
        why = re.search(r' stays as it is: (.*?)(\.|; )', text)
        return f'`{match[1]}`' + (f': {why[1]}' if why else ' is not in the table')
    if 'no tensor of numbers' in text or 'is no tensor' in text:
        return 'strings, sequences and optional values are no tensors of numbers'
    if match := re.search(r'elements of (float8|u?int4)', text):
        return f'elements of {match[1]} are not computed with'
    return re.sub(r"'[^']*'", '…', text)[:150]


def summary(counts, lines):
    """Markdown: how many cases passed, and why the others did not."""
    parts = [
        "# ONNX's own test cases", '',
        'Printed by `python3 Tests/onnx_cases.py .build/release/requant --summary Tests/onnx_cases.md`, with the cases of',
        'onnx 1.16.2. Refused cases end with an error that says why; in disputed ones the stored data is at odds with the',
        "standard's text and with ONNX Runtime.", '',
        '| set | ' + ' | '.join(OUTCOMES) + ' |', '|---' * (len(OUTCOMES) + 1) + '|']
    parts += [f'| {name} | ' + ' | '.join(str(count[k]) for k in OUTCOMES) + ' |' for name, count in counts.items()]
    for outcome in OUTCOMES[1:]:
        reasons = collections.Counter(reason(why) for _, _, result, why in lines if result == outcome)
        if reasons:
            parts += ['', f'## {outcome.capitalize()}', '', '| cases | reason |', '|---|---|']
            parts += [f'| {n} | {text} |' for text, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))]
    return '\n'.join(parts) + '\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('tool')
    parser.add_argument('sets', nargs='*', default=SETS)
    parser.add_argument('--filter', default='')
    parser.add_argument('--report')
    parser.add_argument('--summary')
    options = parser.parse_args()
    disputed = {case: why for why, cases in DISPUTED.items() for case in cases}
    lines, counts = [], {}
    for name in options.sets or SETS:
        cases = [c for c in cases_of(name) if options.filter in os.path.basename(c)]

        def attempt(case):
            with tempfile.TemporaryDirectory() as folder:
                result = run(os.path.abspath(options.tool), case, folder)
            why = disputed.get(os.path.basename(case))
            return ('disputed', why) if why and result[0] == 'wrong' else result

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = dict(zip(cases, pool.map(attempt, cases)))
        counts[name] = collections.Counter(r if r == 'passed' else r[0] for r in results.values())
        print(f'{name}: ' + ', '.join(f'{counts[name][k]} {k}' for k in OUTCOMES))
        for case, result in results.items():
            if result != 'passed':
                lines.append((name, os.path.basename(case), *result))
    if options.summary:
        with open(options.summary, 'w') as file:
            file.write(summary(counts, lines))
    if options.report:
        with open(options.report, 'w') as file:
            for line in lines:
                print('\t'.join(line), file=file)
    elif not options.summary:
        for line in lines:
            print('\t'.join(line))
    return any(line[2] in ('wrong', 'crashed') for line in lines)


if __name__ == '__main__':
    sys.exit(main())
