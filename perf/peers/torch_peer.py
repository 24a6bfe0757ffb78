"""PyTorch as a peer: the line protocol of child.mjs. Run as `python3 torch_peer.py THREADS` with the cases as JSON on the first line."""
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

answers = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)


def say(answer):
    answers.write('\x01' + json.dumps(answer) + '\n')
    answers.flush()


def fill(n, seed, scale=1.0, shape=None):
    x = torch.from_numpy((np.sin(np.arange(n) * 12.9898 + seed * 78.233) * scale).astype(np.float32))
    return x if shape is None else x.reshape(shape)


def size(shape):
    return int(np.prod(shape))


class Network(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        for i, layer in enumerate(layers):
            if layer['op'] not in ('conv', 'dense'):
                continue
            inner = [layer['inputs']]
            if layer['op'] == 'conv':
                inner = [layer['inputs'] // layer['groups'], layer['kernel'], layer['kernel']]
            fan = size(inner)
            shape = [layer['outputs']] + inner
            self.register_buffer(f'w{i}', fill(size(shape), i + 1, (3 / fan) ** 0.5, shape))
            self.register_buffer(f'b{i}', fill(layer['outputs'], i + 101, 0.1))

    def forward(self, x):
        at = {'x': x}
        for i, layer in enumerate(self.layers):
            op = layer['op']
            if op == 'conv':
                y = F.conv2d(at[layer['from']], getattr(self, f'w{i}'), getattr(self, f'b{i}'), layer['stride'], layer['padding'], 1, layer['groups'])
            elif op == 'dense':
                y = F.linear(at[layer['from']], getattr(self, f'w{i}'), getattr(self, f'b{i}'))
            elif op == 'add':
                y = at[layer['a']] + at[layer['b']]
            else:
                y = at[layer['from']].mean((2, 3))
            at[layer['to']] = torch.relu(y) if layer.get('relu') or op == 'add' else y
        return at['y']


def network(c):
    net = networks[c['net']]
    x = fill(size(net['input']), 50, 1.0, [1] + net['input'])
    # Traced and frozen: PyTorch's own fast path.
    module = torch.jit.optimize_for_inference(torch.jit.trace(Network(net['layers']).eval(), x))
    return lambda: module(x)


def training(parameters, loss, optimizer):
    with torch.no_grad():
        first = loss().item()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    step.first = first
    return step


def learned(values):
    return [v.requires_grad_(True) for v in values]


def train_mlp(c):
    batch = c['batch']
    x, y = fill(batch * 784, 50, 1, (batch, 784)), torch.arange(batch) % 10
    shapes = [(256, 784), (10, 256)]
    p = learned(sum([[fill(size(s), i + 1, (3 / s[1]) ** 0.5, s), fill(s[0], i + 101, 0.1)] for i, s in enumerate(shapes)], []))
    opt = torch.optim.SGD(p, c['lr']) if c['opt'] == 'sgd' else torch.optim.Adam(p, c['lr'])
    return training(p, lambda: F.cross_entropy(F.linear(torch.relu(F.linear(x, p[0], p[1])), p[2], p[3]), y), opt)


def train_cnn(c):
    batch = c['batch']
    x, y = fill(batch * 784, 50, 1, (batch, 1, 28, 28)), torch.arange(batch) % 10
    shapes = [(16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 1568), (10,)]
    p = learned([fill(size(s), i + 1, k, s) for i, (s, k) in enumerate(zip(shapes, [0.5, 0.1, 0.15, 0.1, 0.04, 0.1]))])

    def layer(h, i):
        return F.max_pool2d(torch.relu(F.conv2d(h, p[i], p[i + 1], 1, 1)), 2)

    return training(p, lambda: F.cross_entropy(F.linear(layer(layer(x, 0), 2).flatten(1), p[4], p[5]), y), torch.optim.SGD(p, c['lr']))


def attend(q, k, v, causal=False):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        n = scores.shape[-1]
        scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), float('-inf'))
    return torch.softmax(scores, -1) @ v


def train_block(c):
    b, t, w, heads, hidden = c['batch'], c['steps'], c['width'], c['heads'], c['hidden']
    x = fill(b * t * w, 50, 1, (b, t, w))
    wide, deep = (3 / w) ** 0.5, (3 / hidden) ** 0.5
    spec = [((w,), 0), ((w,), 0.1), ((3 * w, w), wide), ((3 * w,), 0.1), ((w, w), wide), ((w,), 0.1), ((w,), 0), ((w,), 0.1)]
    spec += [((hidden, w), wide), ((hidden,), 0.1), ((w, hidden), deep), ((w,), 0.1)]
    p = learned([fill(size(s), i + 1, k, s) if k else torch.ones(s) for i, (s, k) in enumerate(spec)])
    attention = getattr(F, 'scaled_dot_product_attention', None)

    def loss():
        q, k, v = F.linear(F.layer_norm(x, (w,), p[0], p[1]), p[2], p[3]).reshape(b, t, 3, heads, w // heads).permute(2, 0, 3, 1, 4)
        mixed = attention(q, k, v, is_causal=True) if attention else attend(q, k, v, True)
        h = x + F.linear(mixed.transpose(1, 2).reshape(b, t, w), p[4], p[5])
        h = h + F.linear(F.gelu(F.linear(F.layer_norm(h, (w,), p[6], p[7]), p[8], p[9])), p[10], p[11])
        return h.square().mean()

    return training(p, loss, torch.optim.Adam(p, c['lr']))


def recurrent(c):
    model = torch.nn.LSTM(c['inputs'], c['hidden'], batch_first=True)
    s = 1 / c['hidden'] ** 0.5
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(fill(p.numel(), i + 1, s, tuple(p.shape)))
    return model, fill(c['batch'] * c['steps'] * c['inputs'], 50, 1, (c['batch'], c['steps'], c['inputs']))


def lstm(c):
    model, x = recurrent(c)
    return lambda: model(x)[0]


def train_lstm(c):
    model, x = recurrent(c)
    w = fill(c['classes'] * c['hidden'], 5, 0.1, (c['classes'], c['hidden'])).requires_grad_(True)
    y = torch.arange(c['batch']) % 10
    p = list(model.parameters()) + [w]
    return training(p, lambda: F.cross_entropy(F.linear(model(x)[0][:, -1], w), y), torch.optim.SGD(p, c['lr']))


def pair(c, *batch):
    return fill(size(batch) * c['m'] * c['k'], 1, 1, batch + (c['m'], c['k'])), fill(size(batch) * c['k'] * c['n'], 2, 1, batch + (c['k'], c['n']))


def matmul(c):
    a, b = pair(c, *([c['b']] if 'b' in c else []))
    return lambda: a @ b


def int_matmul(c):
    if not hasattr(torch, '_int_mm'):
        return None
    a, b = [(x * 127).to(torch.int8) for x in pair(c)]
    return lambda: torch._int_mm(a, b)


def conv(c):
    x, w, b = fill(c['ci'] * c['h'] ** 2, 1, 1, (1, c['ci'], c['h'], c['h'])), (c['co'], c['ci'] // c['g'], c['k'], c['k']), fill(c['co'], 3)
    w = fill(size(w), 2, 0.1, w)
    return lambda: torch.relu_(F.conv2d(x, w, b, 1, 1, 1, c['g']))


def one(c, shape, f):
    x = fill(size(shape), 1, 1, shape)
    return lambda: f(x)


def unary(c):
    x, f = fill(c['n'], 1).abs() * 5 + 0.01, getattr(torch, c['f'])
    return lambda: f(x)


def add(c):
    a, b = fill(c['n'], 1), fill(c['n'], 2)
    return lambda: a + b


def layer_norm(c):
    x, w, b = fill(c['m'] * c['n'], 1, 1, (c['m'], c['n'])), fill(c['n'], 2), fill(c['n'], 3)
    return lambda: F.layer_norm(x, (c['n'],), w, b)


def embedding(c):
    w = fill(c['rows'] * c['width'], 1, 1, (c['rows'], c['width']))
    i = (fill(c['n'], 2).abs() * c['rows']).long() % c['rows']
    return lambda: F.embedding(i, w)


def attention(c):
    q, k, v = [fill(c['b'] * c['t'] * c['d'], s, 1, (c['b'], c['t'], c['d'])) for s in (1, 2, 3)]
    return lambda: attend(q, k, v)


KINDS = {
    'mm': matmul, 'mmc': matmul, 'bmm': matmul, 'i8mm': int_matmul, 'conv': conv, 'unary': unary, 'add': add, 'layernorm': layer_norm,
    'softmax': lambda c: one(c, (c['m'], c['n']), lambda x: torch.softmax(x, -1)),
    'sum': lambda c: one(c, (c['n'],), torch.sum), 'sort': lambda c: one(c, (c['n'],), lambda x: torch.sort(x)[0]),
    'embedding': embedding, 'attention': attention, 'lstm': lstm, 'net': network,
    'trainmlp': train_mlp, 'traincnn': train_cnn, 'trainblock': train_block, 'trainlstm': train_lstm,
}  # fmt: skip


def measure(run, ms):
    best, calls, end = float('inf'), 1, time.perf_counter() + ms / 1e3
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        best = min(best, (time.perf_counter() - start) / calls)
        calls = max(1, min(10000, round(2e-3 / best)))
        if time.perf_counter() > end:
            return best * 1e3


def prepare(c):
    run = KINDS[c['kind']](c) if c['kind'] in KINDS else None
    if run is None:
        return None, {'skip': True}
    training_step = hasattr(run, 'first')
    torch.set_grad_enabled(training_step)
    start, n = time.perf_counter(), 0
    while n < 3 or time.perf_counter() - start < 0.3:
        y = run()
        n += 1
    if training_step:
        return run, {'ready': True, 'out': [run.first]}
    return run, {'ready': True, 'out': None if c['kind'] in ('conv', 'i8mm') else y.flatten()[:8].tolist()}


torch.set_num_threads(int(sys.argv[1]))
given = json.loads(sys.stdin.readline())
cases, networks = given['cases'], given['networks']
say({'info': {'torch': torch.__version__, 'threads': torch.get_num_threads()}})
current = None
for line in sys.stdin:
    request = json.loads(line)
    try:
        if 'prepare' in request:
            current, answer = prepare(cases[request['prepare']])
            say(answer)
        else:
            say({'best': measure(current, request['ms'])})
    except Exception as error:  # a peer that cannot do a case says so and goes on
        current = None
        say({'error': str(error)[:300]})
