import { pow } from '../../ts/base/math.ts';
import type { RawTensor } from '../../ts/formats/raw.ts';
import { clipGradNorm_, clipGradValue_, parameter } from '../../ts/nn/index.ts';
import * as optim from '../../ts/optim/index.ts';
import { noGrad, stack, type Tensor, zeros } from '../../ts/tensor/index.ts';
import { type ObjectiveCase, type OptimCase, optimFile, type PlainKwargs, type ScheduleCase, type StepsCase } from './cases.ts';
import { near } from './compare.ts';
import { judge, type Verdict } from './report.ts';
import { differs, toTensor } from './tensors.ts';
import { NotImplemented, optionName } from './torch-names.ts';

type Raws = ReadonlyMap<string, RawTensor>;
type AnyOptimizer = optim.Optimizer<{ lr: number }>;

/** Keyword arguments as options: snake case becomes camel case. */
export function options(kwargs: PlainKwargs): Record<string, unknown> {
  return Object.fromEntries(Object.entries(kwargs).map(([k, v]) => [optionName(k), v]));
}
/** An optimizer by its name. @throws NotImplemented */
export function makeOptimizer(name: string, params: unknown, kwargs: PlainKwargs): AnyOptimizer {
  const Class = (optim as unknown as Record<string, new (params: unknown, options: object) => AnyOptimizer>)[name];
  if (Class === undefined) throw new NotImplemented(`optim.${name}`);
  return new Class(params, options(kwargs));
}
/** A schedule by its name. @throws NotImplemented */
export function makeSchedule(name: string, optimizer: AnyOptimizer, kwargs: Record<string, unknown>): { step(metric?: number): void } {
  const Class = (optim.lrScheduler as unknown as Record<string, new (...args: unknown[]) => { step(): void }>)[name];
  if (Class === undefined) throw new NotImplemented(`optim.lrScheduler.${name}`);
  const parts = kwargs.schedulers as { scheduler: string; kwargs: PlainKwargs }[] | undefined;
  const schedulers = parts?.map((p) => makeSchedule(p.scheduler, optimizer, p.kwargs));
  if (name === 'ChainedScheduler') return new Class(schedulers);
  const formula = kwargs.lr_lambda as string | undefined;
  if (formula !== undefined) return new Class(optimizer, lambda(formula));
  return new Class(optimizer, { ...options(kwargs as PlainKwargs), ...(schedulers ? { schedulers } : {}) });
}
/** A formula of `epoch` in Python's words. */
function lambda(formula: string): (epoch: number) => number {
  const power = /^([\d.]+)\s*\*\*\s*epoch$/.exec(formula);
  if (power === null) throw new NotImplemented(`the formula ${formula}`);
  return (epoch) => pow(Number(power[1]), epoch);
}

/** Runs the cases of torch/optim: trajectories, objectives, clipping and schedules. */
export function* runOptim(folder: string): Generator<Verdict> {
  const { cases, tensors, schedules } = optimFile(folder);
  const missing = (e: unknown): boolean => e instanceof NotImplemented;
  for (const c of cases) yield judge('optim', c.variant === 'clip' ? c.fn : c.optimizer, c.id, missing, () => runCase(c, tensors));
  for (const c of schedules) yield judge('optim', c.scheduler, c.id, missing, () => runSchedule(c));
}

function runCase(c: OptimCase, raw: Raws): string | null {
  if (c.variant === 'objective') return runObjective(c, raw);
  if (c.variant !== 'clip') return runSteps(c, raw);
  const params = c.tensors.grads.map((key) => {
    const grad = toTensor(raw.get(key) as RawTensor);
    const p = parameter(zeros(grad.shape));
    p.grad = grad;
    return p;
  });
  const k = c.kwargs;
  const normType = k.norm_type === 'inf' ? Number.POSITIVE_INFINITY : (k.norm_type as number | undefined);
  let total: Tensor | null = null;
  if (c.fn.endsWith('clip_grad_norm_')) total = clipGradNorm_(params, k.max_norm as number, normType === undefined ? {} : { normType });
  else clipGradValue_(params, k.clip_value as number);
  if (c.returns !== null && (total === null || !near(total.itemSync(), c.returns, c.atol, 1e-4)))
    return `returned ${total?.itemSync()} instead of ${c.returns}`;
  return first(c.tensors.after.map((key, i) => differs(`gradient ${i}`, params[i].grad, raw.get(key) as RawTensor, c.atol)));
}
const first = (messages: (string | null)[]): string | null => messages.find((m) => m !== null) ?? null;

function runSteps(c: StepsCase, raw: Raws): string | null {
  const params = c.tensors.params.map((key) => parameter(toTensor(raw.get(key) as RawTensor)));
  const grads = c.tensors.grads.map((key) => toTensor(raw.get(key) as RawTensor));
  const groups = c.variant === 'groups' ? params.map((p, i) => ({ params: [p], ...options(c.group_overrides?.[i] ?? {}) })) : params;
  const optimizer = makeOptimizer(c.optimizer, groups, c.kwargs);
  const seen: Tensor[][] = params.map(() => []);
  for (let t = 0; t < c.steps; t++) {
    params.forEach((p, i) => {
      const none = c.grad_none?.some(([step, k]) => step === t && k === i) ?? false;
      p.grad = none ? null : grads[i].select(0, t).clone();
    });
    optimizer.step();
    params.forEach((p, i) => void seen[i].push(p.detach().clone()));
  }
  return first(c.tensors.trajectory.map((key, i) => differs(`parameter ${i}`, stack(seen[i], 0), raw.get(key) as RawTensor, c.atol)));
}

function objective(c: ObjectiveCase, x: Tensor, raw: Raws): () => Tensor {
  if (c.objective === 'quadratic') {
    const A = toTensor(raw.get(c.tensors.A as string) as RawTensor);
    const b = toTensor(raw.get(c.tensors.b as string) as RawTensor);
    return () => x.mul(A.mv(x)).sum().mul(0.5).sub(b.mul(x).sum());
  }
  const n = x.numel;
  return () => {
    const head = x.narrow(0, 0, n - 1);
    return x
      .narrow(0, 1, n - 1)
      .sub(head.square())
      .square()
      .mul(100)
      .add(head.mul(-1).add(1).square())
      .sum();
  };
}
function runObjective(c: ObjectiveCase, raw: Raws): string | null {
  const x = parameter(toTensor(raw.get(c.tensors.x0) as RawTensor));
  const f = objective(c, x, raw);
  const optimizer = makeOptimizer(c.optimizer, [x], c.kwargs);
  let calls = 0;
  const seen: Tensor[] = [];
  for (let t = 0; t < c.steps; t++) {
    const loss = optimizer.step(() => {
      calls++;
      optimizer.zeroGrad();
      const y = f();
      y.backward();
      return y;
    });
    const value = (loss as Tensor).itemSync();
    if (!near(value, c.losses[t], Math.max(c.atol, 1e-5), 1e-4)) return `loss ${t} is ${value} instead of ${c.losses[t]}`;
    seen.push(noGrad(() => x.detach().clone()));
  }
  if (calls !== c.closure_calls) return `${calls} evaluations instead of ${c.closure_calls}`;
  return differs('trajectory', stack(seen, 0), raw.get(c.tensors.trajectory) as RawTensor, c.atol);
}

function runSchedule(c: ScheduleCase): string | null {
  const [a, b] = [parameter(zeros([1])), parameter(zeros([1]))];
  const optimizer = new optim.SGD(
    [
      { params: [a], lr: 0.1 },
      { params: [b], lr: 0.02 },
    ],
    { momentum: 0.9 },
  );
  const schedule = makeSchedule(c.scheduler, optimizer as unknown as AnyOptimizer, c.kwargs);
  for (let t = 0; t < c.lr.length; t++) {
    if (t > 0) {
      optimizer.step();
      if (c.metrics) schedule.step(c.metrics[t - 1]);
      else schedule.step();
    }
    for (const [i, g] of optimizer.paramGroups.entries()) {
      if (!near(g.lr, c.lr[t][i], 1e-12, c.rtol)) return `lr of group ${i} after ${t} steps is ${g.lr} instead of ${c.lr[t][i]}`;
      const momentum = c.momentum?.[t]?.[i];
      if (momentum !== undefined && !near(g.momentum, momentum, 1e-12, c.rtol))
        return `momentum of group ${i} after ${t} steps is ${g.momentum} instead of ${momentum}`;
    }
  }
  return null;
}
