"""Quantizes a small network with ONNX Runtime's own tool, in the forms that it writes. Python with onnxruntime 1.32."""
import os
import numpy as np, onnx
from onnx import helper as h, TensorProto as T, numpy_helper as nh
import onnxruntime as ort
from onnxruntime.quantization import quantize_static, QuantType as Q, QuantFormat as F, CalibrationDataReader
os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng=np.random.default_rng(7)
def t(n,*s,k=.4): return nh.from_array((rng.normal(size=s)*k).astype('f4'),n)
nodes=[h.make_node('Conv',['x','w1','b1'],['c1'],'conv1',pads=[1,1,1,1],kernel_shape=[3,3]),
 h.make_node('Relu',['c1'],['r1'],'relu1'),
 h.make_node('Conv',['r1','w2','b2'],['c2'],'conv2',pads=[1,1,1,1],kernel_shape=[3,3]),
 h.make_node('Add',['c2','r1'],['a'],'add'),h.make_node('Relu',['a'],['r2'],'relu2'),
 h.make_node('MaxPool',['r2'],['p'],'pool',kernel_shape=[2,2],strides=[2,2]),
 h.make_node('Conv',['p','w3'],['c3'],'conv3',kernel_shape=[1,1]),
 h.make_node('Concat',['c3','p'],['k'],'cat',axis=1),
 h.make_node('Flatten',['k'],['f'],'flat'),
 h.make_node('Gemm',['f','w4','b4'],['y'],'fc',transB=1)]
ini=[t('w1',4,2,3,3),t('b1',4),t('w2',4,4,3,3,k=.2),t('b2',4),t('w3',4,4,1,1),t('w4',5,32,k=.2),t('b4',5)]
g=h.make_graph(nodes,'small',[h.make_tensor_value_info('x',T.FLOAT,[1,2,4,4])],[h.make_tensor_value_info('y',T.FLOAT,[1,5])],ini)
onnx.save(h.make_model(g,opset_imports=[h.make_opsetid('',13)],ir_version=8),'float.onnx')
class R(CalibrationDataReader):
    def __init__(s): s.i=iter([{'x':np.random.default_rng(i).uniform(-.6,1.4,(1,2,4,4)).astype('f4')} for i in range(16)])
    def get_next(s): return next(s.i,None)
x=np.random.default_rng(99).uniform(-.6,1.4,(1,2,4,4)).astype('f4')
cases={'u8s8':dict(activation_type=Q.QUInt8,weight_type=Q.QInt8),
 's8s8':dict(activation_type=Q.QInt8,weight_type=Q.QInt8),
 'u8s8-channel':dict(activation_type=Q.QUInt8,weight_type=Q.QInt8,per_channel=True),
 'u8u8':dict(activation_type=Q.QUInt8,weight_type=Q.QUInt8),
 's8s8-symmetric':dict(activation_type=Q.QInt8,weight_type=Q.QInt8,per_channel=True,extra_options=dict(ActivationSymmetric=True)),
 'weight-pairs':dict(activation_type=Q.QUInt8,weight_type=Q.QInt8,extra_options=dict(AddQDQPairToWeight=True)),
 'float-bias':dict(activation_type=Q.QUInt8,weight_type=Q.QInt8,extra_options=dict(QuantizeBias=False)),
 'qoperator':dict(activation_type=Q.QUInt8,weight_type=Q.QInt8,quant_format=F.QOperator)}
out={'x':x}
for n,k in cases.items():
    k.setdefault('quant_format',F.QDQ)
    quantize_static('float.onnx',n+'.onnx',R(),**k)
    o=ort.SessionOptions(); o.log_severity_level=4
    out[n]=ort.InferenceSession(n+'.onnx',o,providers=['CPUExecutionProvider']).run(None,{'x':x})[0]
np.savez('outputs.npz',**out)
os.remove('float.onnx')
