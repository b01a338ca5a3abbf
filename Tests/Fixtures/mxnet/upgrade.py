"""Lets MXNet 1.9.1 load symbols of old versions and writes what it then has: X-symbol.json -> X-upgraded.json."""
import json, mxnet as mx

def variable(name, **attributes): return dict(op='null', name=name, inputs=[], attr=attributes)

nodes = [
    variable('d'),
    variable('g', lr_mult='3', foo_lr_mult='4', ctx_group_x='q', x_ctx_group='5'),
    dict(op='LeakyReLU', name='p', inputs=[[0, 0], [1, 0]],
         attr=dict(act_type='prelu', gamma_lr_mult='2', data_wd_mult='7', mirror_stage='1')),
    dict(op='argmax', name='am', param=dict(axis='-1'), attr={}, inputs=[[2, 0]]),
]
with open('hidden-keys-symbol.json', 'w') as f:
    json.dump(dict(nodes=nodes, arg_nodes=[0, 1], heads=[[3, 0]]), f)

for name in ['hidden-keys', 'save_000800', 'old-0.9.5', 'old-0.11.0', 'test_mkldnn_model1']:
    with open(name + '-upgraded.json', 'w') as f:
        f.write(mx.sym.load(name + '-symbol.json').tojson())

# The same network in the layouts of 0.8 and 0.9, both put together by hand; what happens depends on the version.
with open('legacy-0.9-symbol.json') as f: legacy = f.read()
for version in (800, 903, 904, 905):
    symbol = mx.sym.load('legacy-0.8-symbol.json') if version == 800 else mx.sym.load_json(legacy.replace('903', str(version)))
    with open('legacy-%d-upgraded.json' % version, 'w') as f:
        f.write(symbol.tojson())
