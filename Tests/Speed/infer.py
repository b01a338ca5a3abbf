"""Times models in one peer: python infer.py mxnet|onnxruntime|openvino DATA.npy THREADS SECONDS < JOBS

A job is a line [key, model, batch]; for each a line [key, seconds for one batch, the median] comes back.
"""
import json, os, statistics, sys, time

import numpy as np

# Float models are fused below, int8 models are already; MXNet would fuse both once more by itself.
os.environ['MXNET_SUBGRAPH_BACKEND'] = 'NONE'


def mxnet(model, data, threads):
    import mxnet as mx
    symbol, arguments, states = mx.model.load_checkpoint(model, 0)
    if '_quantize' not in symbol.tojson():
        symbol = symbol.get_backend_symbol('MKLDNN')
    module = mx.mod.Module(symbol, label_names=None)
    module.bind([('data', data.shape)], for_training=False)
    module.set_params(arguments, states)
    batch = mx.io.DataBatch([mx.nd.array(data)])

    def run():
        module.forward(batch, is_train=False)
        module.get_outputs()[0].wait_to_read()
    return run


def onnxruntime(model, data, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
    return lambda: session.run(None, {'data': data})


def openvino(model, data, threads):
    import openvino
    core = openvino.Core()
    network = core.read_model(model)
    network.reshape(list(data.shape))
    compiled = core.compile_model(network, 'CPU', {
        'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_PRECISION_HINT': 'f32'})
    request = compiled.create_infer_request()
    return lambda: request.infer([data])


def median(run, seconds):
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == '__main__':
    peer, path, threads, seconds = sys.argv[1:]
    load = {'mxnet': mxnet, 'onnxruntime': onnxruntime, 'openvino': openvino}[peer]
    data = np.load(path)
    for line in sys.stdin:
        key, model, batch = json.loads(line)
        run = load(model, data[:batch], int(threads))
        print(json.dumps([key, median(run, float(seconds))]), flush=True)
