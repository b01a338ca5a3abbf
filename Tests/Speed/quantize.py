"""A peer's own way from float32 to int8: python quantize.py mxnet|onnxruntime FOLDER NETWORK naive|entropy

MXNet writes NETWORK-mxnet-MODE-symbol.json and -0000.params, ONNX Runtime NETWORK-onnxruntime-MODE.onnx (QDQ, U8S8, by
channel). Both calibrate with data.npy, 80 images in batches of 16.
"""
import logging, os, sys

import numpy as np


def mxnet(prefix, data, mode):
    import mxnet as mx
    from mxnet.contrib import quantization
    symbol, arguments, states = mx.model.load_checkpoint(prefix, 0)
    batches = mx.io.NDArrayIter(data, batch_size=16)
    fused = symbol.get_backend_symbol('MKLDNN_QUANTIZE')
    quantized, arguments8, states8, collector = quantization.quantize_graph(
        fused, arguments, states, ctx=mx.cpu(), calib_mode=mode, quantized_dtype='auto', quantize_mode='smart')
    module = mx.mod.Module(fused, label_names=None)
    module.bind(batches.provide_data, for_training=False)
    module.set_params(arguments, states)
    module._exec_group.execs[0].set_monitor_callback(collector.collect, monitor_all=True)
    for batch in batches:
        module.forward(batch, is_train=False)
        for output in module.get_outputs():
            output.wait_to_read()
    quantized, arguments8, states8 = quantization.calib_graph(
        quantized, arguments, states, collector, calib_mode=mode, quantized_dtype='auto', logger=None)
    quantized = quantized.get_backend_symbol('MKLDNN_QUANTIZE')
    mx.model.save_checkpoint(f'{prefix}-mxnet-{mode}', 0, quantized, arguments8, states8, remove_amp_cast=False)


def onnxruntime(prefix, data, mode):
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType
    from onnxruntime.quantization import quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Batches(CalibrationDataReader):
        def __init__(self):
            self.batches = iter(np.split(data, len(data) // 16))

        def get_next(self):
            return next(({'data': batch} for batch in self.batches), None)

    logging.disable(logging.WARNING)
    quant_pre_process(prefix + '.onnx', prefix + '-prepared.onnx')
    quantize_static(
        prefix + '-prepared.onnx', f'{prefix}-onnxruntime-{mode}.onnx', Batches(), quant_format=QuantFormat.QDQ,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax if mode == 'naive' else CalibrationMethod.Entropy)


if __name__ == '__main__':
    peer, folder, network, mode = sys.argv[1:]
    data = np.load(os.path.join(folder, 'data.npy'))
    {'mxnet': mxnet, 'onnxruntime': onnxruntime}[peer](os.path.join(folder, network), data, mode)
