"""Runs MXNet 1.9.1 on the examples of all operators:  python make.py FOLDER [FAMILY…]  (see README.md)."""
import glob, os, re, sys, zipfile
os.environ['MXNET_SUBGRAPH_BACKEND'] = 'NONE'  # no fusion of its own
import mxnet as mx, numpy as np



def reason(error):
    """What MXNet says, without times and places."""
    text = re.sub(r'\[[0-9:]+\] |\.\./src/\S+ |\s+', ' ', str(error).split('Error')[-1])
    return text.strip(' :')[:120]


results, refused = {}, {}
for path in sorted(glob.glob(sys.argv[1] + '/*/*-symbol.json')):
    prefix = path[:-len('-symbol.json')]
    symbol = mx.sym.load(path)
    stored = mx.nd.load(prefix + '-0000.params') if os.path.getsize(prefix + '-0000.params') > 32 else {}
    arguments = {k[4:]: v for k, v in stored.items() if k.startswith('arg:')}
    states = {k[4:]: v for k, v in stored.items() if k.startswith('aux:')}
    # NumPy does not read an archive without arrays.
    inputs = dict(np.load(prefix + '-inputs.npz')) if zipfile.ZipFile(prefix + '-inputs.npz').namelist() else {}
    arguments.update({k: mx.nd.array(v, dtype=v.dtype) for k, v in inputs.items()})
    missing = [k for k in symbol.list_arguments() if k not in arguments]
    if missing:  # labels, which the outputs do not depend on
        shapes = symbol.infer_shape(**{k: v.shape for k, v in arguments.items()})[0]
        sizes = dict(zip(symbol.list_arguments(), shapes))
        arguments.update({k: mx.nd.zeros(sizes[k]) for k in missing})
    family, name = prefix.split('/')[-2:]
    try:
        outputs = symbol.bind(mx.cpu(), arguments, aux_states=states, grad_req='null').forward()
        for index, output in enumerate(outputs):
            results.setdefault(family, {})[f'{name}-{index}'] = output.asnumpy()
    except mx.MXNetError as error:
        refused.setdefault(family, {})[name] = reason(error)
folder = os.path.dirname(os.path.abspath(__file__))
wanted = sys.argv[2:] or results
for family in wanted:
    np.savez_compressed(os.path.join(folder, family + '.npz'), **results.get(family, {}))
    print(family, len(results.get(family, {})), 'results,', len(refused.get(family, {})), 'refused')
# What MXNet cannot run itself, with its reason.
listed = os.path.join(folder, 'refused.txt')
kept = [line for line in open(listed).read().splitlines() if line.split('/')[0] not in wanted] if os.path.exists(listed) else []
lines = [f'{family}/{name}: {reason}' for family in wanted for name, reason in refused.get(family, {}).items()]
with open(listed, 'w') as file:
    file.write(''.join(line + '\n' for line in sorted(kept + lines)))
