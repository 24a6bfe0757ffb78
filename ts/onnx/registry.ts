// The operators: a row each, by domain and name.
import type { Row } from './call.ts';
import type { Node } from './graph.ts';
import { MATH } from './ops-math.ts';

const FAMILIES: readonly Readonly<Record<string, Row>>[] = [MATH];

/** All rows: ONNX's own operators by their names, others as `domain:name`. */
export const ROWS: ReadonlyMap<string, Row> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));

/** The row of a node's operator, or null. */
export function findRow({ domain, op }: Pick<Node, 'domain' | 'op'>): Row | null {
  return ROWS.get(domain === '' ? op : `${domain}:${op}`) ?? null;
}
