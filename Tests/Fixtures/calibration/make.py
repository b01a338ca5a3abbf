"""Makes widening.npz and thresholds.npz with MXNet 1.9.1: what its calibration makes of some batches and histograms.

    MXNET_SUBGRAPH_BACKEND=NONE python make.py
"""
import mxnet as mx
import numpy as np
from mxnet.contrib.quantization import combine_histogram

BINS = 8001
random = np.random.RandomState(7)


def gauss(scale, count=300):
    return (random.randn(count) * scale).astype(np.float32)


def limited(scale, count=300):
    """Values in ±scale, which is one of them."""
    values = random.uniform(-scale, scale, count).astype(np.float32)
    values[0] = scale
    return values


step = np.float32(2 / BINS)
SEQUENCES = {
    'gaussian': [gauss(1) for _ in range(6)],
    'laplacian': [random.laplace(0, 1, 300).astype(np.float32) for _ in range(6)],
    'relu': [np.maximum(gauss(scale), 0) for scale in (1, 1.3, 1.1, 2)],
    'creeping': [limited(1 + 1e-4 * k) for k in range(10)],
    'last_bits': [limited(np.nextafter(np.float32(1), np.float32(2)) if k else 1) for k in range(2)] + [limited(1.0003)],
    'whole_steps': [limited(1), limited(1 + step), limited(1 + 3 * step), limited(1 + 7 * step), limited(2)],
    'halves': [limited(0.5), limited(1), limited(1.5), limited(3)],
    'shrinking': [limited(2), limited(1), limited(0.1)],
    'eightfold': [limited(0.25), limited(2)],
    'tiny': [gauss(1e-12), gauss(2e-12), gauss(1e-12)],
    'huge': [gauss(1e12), gauss(2e12), gauss(1e12)],
    'hundredfold': [limited(0.01), limited(1), limited(1.2)],
}


def histogram(batches):
    """As _LayerHistogramCollector.collect keeps it."""
    kept = None
    for batch in batches:
        low, high = np.min(batch), np.max(batch)
        limit = max(abs(low), abs(high))
        if kept is None:
            counts, edges = np.histogram(batch, bins=BINS, range=(-limit, limit))
            kept = (counts, edges, low, high, limit)
        else:
            kept = combine_histogram(kept, batch, low, high, limit)
    return kept


def threshold(counts, edges, codes):
    found, _ = mx.nd.contrib.calibrate_entropy(
        hist=mx.nd.array(counts), hist_edges=mx.nd.array(edges), num_quantized_bins=codes)
    return found.asnumpy()


widening = {}
for name, batches in SEQUENCES.items():
    counts, edges, low, high, limit = histogram(batches)
    for number, batch in enumerate(batches):
        widening['%s|batch%d' % (name, number)] = batch
    widening[name + '|hist'] = counts.astype(np.int32)
    widening[name + '|meta'] = np.array([edges[0], edges[-1], low, high, limit], np.float64)
    print(name, len(counts), limit)
np.savez_compressed('widening.npz', **widening)

centres = np.arange(BINS) - BINS // 2
SHAPES = {
    'gaussian': np.exp(-(centres / 1500.0) ** 2),
    'laplacian': np.exp(-abs(centres) / 600.0),
    'spike': np.where(centres == 0, 100, np.exp(-abs(centres) / 900.0)),
    'relu': np.where(centres < 0, 0, np.where(centres == 0, 300, np.exp(-centres / 700.0))),
    'uniform': np.ones(BINS),
}
thresholds = {}
for name, shape in SHAPES.items():
    # Up to sums that float32 cannot hold.
    for total in (2e3, 1e6, 2e9):
        counts = np.random.RandomState(1).poisson(shape / shape.sum() * total)
        edges = np.linspace(-3, 3, BINS + 1).astype(np.float32)
        key = '%s_%g' % (name, total)
        thresholds[key + '|hist'] = counts.astype(np.int32)
        for codes in (255, 511):
            thresholds['%s|threshold%d' % (key, codes)] = threshold(counts, edges, codes)
        print(key, thresholds[key + '|threshold255'], thresholds[key + '|threshold511'])
np.savez_compressed('thresholds.npz', **thresholds)
