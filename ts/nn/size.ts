import { ValueError } from '../base/errors.ts';

/** One number for all spatial dimensions, or one for each. */
export type Size = number | readonly number[];

/** A size as one number for each of n dimensions. @throws ValueError */
export function sizes(name: string, value: Size, n: number): number[] {
  if (typeof value === 'number') return new Array<number>(n).fill(value);
  if (value.length === 1) return new Array<number>(n).fill(value[0]);
  if (value.length !== n) throw new ValueError(`${name}: [${value.join(', ')}] should be one number or ${n}`);
  return [...value];
}

/** A size as Python prints it. */
export function showSize(value: readonly number[]): string {
  return `(${value.join(', ')}${value.length === 1 ? ',' : ''})`;
}
