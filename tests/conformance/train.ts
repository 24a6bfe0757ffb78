import type { RawTensor } from '../../ts/formats/raw.ts';
import * as nn from '../../ts/nn/index.ts';
import { arange, scope, type Tensor } from '../../ts/tensor/index.ts';
import { type TrainCase, trainFile } from './cases.ts';
import { near } from './compare.ts';
import { makeOptimizer, makeSchedule } from './optim.ts';
import { judge, type Verdict } from './report.ts';
import { differs, toTensor } from './tensors.ts';
import { construct, NotImplemented } from './torch-names.ts';

const F = nn.functional;
type Raws = ReadonlyMap<string, RawTensor>;

/** Runs the trainings of torch/train. */
export function* runTrain(folder: string): Generator<Verdict> {
  const { cases, tensors } = trainFile(folder);
  for (const c of cases)
    yield judge(
      'train',
      c.id,
      c.id,
      (e) => e instanceof NotImplemented,
      () => runCase(c, tensors),
    );
}

/** A literal of Python: a number, True, False, None, a word, a tuple. */
function literal(text: string): unknown {
  const word: Record<string, unknown> = { True: true, False: false, None: null };
  if (text in word) return word[text];
  if (/^-?[\d.]+(e-?\d+)?$/.test(text)) return Number(text);
  if (/^\(.*\)$/.test(text)) return split(text.slice(1, -1)).map(literal);
  return text.replace(/^'(.*)'$/, '$1');
}
/** Splits at commas outside parentheses. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const ch of text) {
    if (ch === '(') depth++;
    if (ch === ')') depth--;
    if (ch === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += ch;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts;
}
/** A layer in words, such as `Conv2d(1,8,3,padding=1)`. */
function layer(text: string): nn.Module {
  const match = /^(\w+)(?:\((.*)\))?$/.exec(text.trim());
  if (match === null) throw new NotImplemented(`the layer '${text}'`);
  const args: unknown[] = [];
  const kwargs: Record<string, unknown> = {};
  for (const part of split(match[2] ?? '')) {
    const named = /^(\w+)=(.*)$/.exec(part);
    if (named !== null) kwargs[named[1]] = literal(named[2]);
    else if (/^[a-z]\w*$/.test(part)) kwargs[part] = true;
    else args.push(literal(part));
  }
  return construct(match[1], args, kwargs);
}

/** Embedding, LSTM and Linear, as `lstm_lm` says. */
class LstmModel extends nn.Module {
  emb: nn.Module;
  rnn: nn.Module;
  fc: nn.Module;

  constructor(words: string) {
    super();
    const part = (name: string): nn.Module => layer((new RegExp(`${name}: (\\w+\\([^)]*\\))`).exec(words) as RegExpExecArray)[1]);
    this.emb = part('emb');
    this.rnn = part('rnn');
    this.fc = part('fc');
  }
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.rnn.forward(this.emb.forward(x))[0]);
  }
}

class Block extends nn.Module {
  ln1: nn.LayerNorm;
  qkv: nn.Linear;
  proj: nn.Linear;
  ln2: nn.LayerNorm;
  fc: nn.Linear;
  out: nn.Linear;
  readonly heads: number;

  constructor(d: number, heads: number) {
    super();
    this.heads = heads;
    this.ln1 = new nn.LayerNorm(d);
    this.qkv = new nn.Linear(d, 3 * d);
    this.proj = new nn.Linear(d, d);
    this.ln2 = new nn.LayerNorm(d);
    this.fc = new nn.Linear(d, 4 * d);
    this.out = new nn.Linear(4 * d, d);
  }
  override forward(x: Tensor): Tensor {
    const d = x.shape[2];
    const [q, k, v] = this.qkv
      .forward(this.ln1.forward(x))
      .split(d, 2)
      .map((t: Tensor) => t.unflatten(2, [this.heads, d / this.heads]).transpose(1, 2));
    const attended = F.scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).flatten(2);
    const h = x.add(this.proj.forward(attended));
    return h.add(this.out.forward(F.gelu(this.fc.forward(this.ln2.forward(h)))));
  }
}
/** The small GPT that `gpt_tiny` describes. */
class Gpt extends nn.Module {
  tok: nn.Embedding;
  pos: nn.Embedding;
  blocks: nn.ModuleList<Block>;
  norm: nn.LayerNorm;
  head: nn.Linear;

  constructor(words: string) {
    super();
    const size = (name: string): number => Number((new RegExp(`\\b${name}=(\\d+)`).exec(words) as RegExpExecArray)[1]);
    const d = size('d');
    this.tok = new nn.Embedding(size('V'), d);
    this.pos = new nn.Embedding(size('T'), d);
    const blocks = Number((/(\d+) blocks/.exec(words) as RegExpExecArray)[1]);
    this.blocks = new nn.ModuleList(Array.from({ length: blocks }, () => new Block(d, size('H'))));
    this.norm = new nn.LayerNorm(d);
    this.head = new nn.Linear(d, size('V'), { bias: false });
  }
  override forward(x: Tensor): Tensor {
    let h = this.tok.forward(x).add(this.pos.forward(arange(x.shape[1], undefined, undefined, { dtype: 'int64' })));
    for (const b of this.blocks) h = b.forward(h);
    return this.head.forward(this.norm.forward(h));
  }
}

function build(words: string): nn.Module {
  const sequence = /^Sequential\((.*)\)$/.exec(words);
  if (sequence !== null) return new nn.Sequential(...split(sequence[1]).map((part) => layer(part.replace(/^\d+:\s*/, ''))));
  if (/rnn: LSTM/.test(words)) return new LstmModel(words);
  if (/blocks\.i/.test(words)) return new Gpt(words);
  throw new NotImplemented(`the model '${words}'`);
}

function lossFunction(name: string): (y: Tensor, target: Tensor) => Tensor {
  if (name === 'mse_loss') return (y, t) => F.mseLoss(y, t);
  if (name === 'cross_entropy') return (y, t) => F.crossEntropy(y, t);
  if (name === 'cross_entropy over all positions') return (y, t) => F.crossEntropy(y.flatten(0, 1), t.flatten());
  if (name === 'binary_cross_entropy') return (y, t) => F.binaryCrossEntropy(y, t);
  throw new NotImplemented(`the loss '${name}'`);
}

function runCase(c: TrainCase, raw: Raws): string | null {
  const get = (key: string): Tensor => toTensor(raw.get(key) as RawTensor);
  const model = build(c.model);
  model.loadStateDict(Object.fromEntries(Object.entries(c.init).map(([k, key]) => [k, get(key)])));
  const x = get(c.x);
  const y = get(c.y);
  const lossOf = lossFunction(c.loss);
  const optimizer = makeOptimizer(c.optimizer.name, model.parameters(), c.optimizer.kwargs);
  const schedule = c.scheduler === null ? null : makeSchedule(c.scheduler.name, optimizer, c.scheduler.kwargs);
  for (let t = 0; t < c.steps; t++) {
    const message = scope(() => {
      const from = (t * c.batch) % x.shape[0];
      optimizer.zeroGrad();
      const loss = lossOf(model.forward(x.narrow(0, from, c.batch)), y.narrow(0, from, c.batch));
      loss.backward();
      const early = t === 0 ? firstGradients(model, c, raw) : null;
      if (early !== null) return early;
      if (!near(loss.itemSync(), c.losses[t], c.tolerance.loss_atol, 1e-4))
        return `loss of step ${t} is ${loss.itemSync()} instead of ${c.losses[t]}`;
      if (c.clip_grad_norm !== null) {
        const norm = nn.clipGradNorm_(model.parameters(), c.clip_grad_norm).itemSync();
        const expected = c.grad_norms_before_clip?.[t];
        if (expected !== undefined && !near(norm, expected, 1e-4, 1e-3))
          return `gradient norm of step ${t} is ${norm} instead of ${expected}`;
      }
      optimizer.step();
      schedule?.step();
      return null;
    });
    if (message !== null) return message;
  }
  const final = model.stateDict();
  for (const [name, key] of Object.entries(c.final)) {
    const message = differs(`final ${name}`, final[name], raw.get(key) as RawTensor, c.tolerance.weights_atol[name] ?? 1e-5);
    if (message !== null) return message;
  }
  model.eval();
  return differs('eval output', model.forward(x.narrow(0, 0, c.batch)), raw.get(c.eval_output) as RawTensor, 1e-3);
}

function firstGradients(model: nn.Module, c: TrainCase, raw: Raws): string | null {
  const parameters = new Map(model.namedParameters());
  for (const [name, key] of Object.entries(c.first_grads)) {
    const message = differs(`first gradient of ${name}`, parameters.get(name)?.grad, raw.get(key) as RawTensor, 1e-5);
    if (message !== null) return message;
  }
  return null;
}
