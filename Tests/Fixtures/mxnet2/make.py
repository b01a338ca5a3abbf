# Run with MXNet 2.0.0b1: python make.py. Its .npz and .params are both NumPy archives.
import mxnet as mx
import numpy as np
from mxnet.gluon import nn

rows = mx.nd.sparse.row_sparse_array(([[1, 2], [3, 4]], [0, 3]), shape=(5, 2))
csr = mx.nd.sparse.csr_matrix(([1, 2, 3], [1, 0, 2], [0, 1, 1, 3]), shape=(3, 3))
half = mx.nd.array([1, 2, 3], dtype='float16').astype(np.dtype([('bfloat16', np.uint16)]))
mx.npx.savez('sparse.npz', rows=rows, csr=csr, dense=mx.nd.ones((2,)), half=half)

mx.npx.set_np()
mx.npx.savez(
    'arrays.npz', conv0_weight=mx.np.arange(24, dtype='float32').reshape(2, 3, 2, 2),
    scalar=mx.np.array(3, dtype='int32'), empty=mx.np.zeros((0, 4)), half=mx.np.array([1, 2, 3], dtype='float16'),
    codes=mx.np.array([[-1, 2]], dtype='int8'))

mx.np.random.seed(3)
net = nn.HybridSequential()
net.add(nn.Conv2D(4, 3, in_channels=3), nn.BatchNorm(), nn.Activation('relu'), nn.Dense(2))
net.initialize(mx.init.Uniform(1))
net.hybridize()
net(mx.np.random.uniform(size=(2, 3, 6, 6)))
net.export('export', 3)
net.save_parameters('save_parameters.npz')
