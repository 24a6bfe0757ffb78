import * as assert from 'uvu/assert';
import * as wick from '../../ts/index.ts';

type Kind = new (message: string) => wick.WickError;

/** Asserts that a call throws an error of a kind whose message holds every part, and that the engine works on after it. */
export function refuses(call: () => unknown, kind: Kind, ...parts: (string | RegExp)[]): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (e) {
    thrown = e;
  }
  assert.ok(thrown !== null, `nothing was thrown; expected a ${kind.name} with ${parts.join(', ')}`);
  assert.ok(thrown instanceof kind, `expected a ${kind.name}, got ${(thrown as Error).stack}`);
  const { message } = thrown as Error;
  for (const part of parts)
    assert.ok(typeof part === 'string' ? message.includes(part) : part.test(message), `'${message}' does not say ${part}`);
  assert.equal(wick.tensor([1, 2]).add(tensorOfOnes()).arraySync(), [2, 3], 'the engine works on');
}
function tensorOfOnes(): wick.Tensor {
  return wick.ones([2]);
}
