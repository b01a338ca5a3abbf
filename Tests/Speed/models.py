"""Makes what `compare_speed` measures, in the environment with MXNet: python models.py FOLDER NETWORK…

Of each network of Gluon's model zoo, with seeded random weights and statistics of BatchNorm that fit them:
NETWORK-symbol.json, -0000.params (float32) and NETWORK.onnx; and once data.npy, 80 images of 224×224. What they show
does not matter for speed.
"""
import os, sys

import mxnet as mx
import numpy as np
import onnx
from mxnet import onnx as onnx_export
from mxnet.gluon.model_zoo import vision


def images(count):
    random = np.random.RandomState(1)
    coarse = random.normal(0, 1, (count, 3, 14, 14))
    fine = random.normal(0, 0.1, (count, 3, 224, 224))
    return (coarse.repeat(16, axis=2).repeat(16, axis=3) + fine).astype('float32')


def make(folder, network, data):
    prefix = os.path.join(folder, network)
    mx.random.seed(1)
    net = getattr(vision, network)()
    net.initialize(mx.init.Xavier(rnd_type='gaussian', factor_type='in', magnitude=2))
    net.hybridize()
    batches = [mx.nd.array(data[start:start + 16]) for start in range(0, 64, 16)]
    for _ in range(3):
        for batch in batches:
            with mx.autograd.train_mode():  # moves the running statistics
                net(batch).wait_to_read()
    net(batches[0]).wait_to_read()
    net.export(prefix)
    onnx_export.export_model(
        prefix + '-symbol.json', prefix + '-0000.params', [(1, 3, 224, 224)], np.float32, prefix + '.onnx',
        dynamic=True, dynamic_input_shapes=[('N', 3, 224, 224)])
    fix_weights(prefix + '.onnx')


def fix_weights(path):
    """Takes the weights out of the inputs, where MXNet lists them too: runtimes fold and fuse only what cannot change."""
    model = onnx.load(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    onnx.save(model, path)


if __name__ == '__main__':
    folder, networks = sys.argv[1], sys.argv[2:]
    path = os.path.join(folder, 'data.npy')
    if not os.path.exists(path):
        np.save(path, images(80))
    for network in networks:
        if not os.path.exists(os.path.join(folder, network + '.onnx')):
            make(folder, network, np.load(path))
