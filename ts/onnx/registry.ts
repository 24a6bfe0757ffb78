// The operators: a row each, by domain and name.
import type { Row } from './call.ts';
import type { Node } from './graph.ts';
import { ACTIVATIONS } from './ops-activation.ts';
import { ATTENTION } from './ops-attention.ts';
import { CONTROL } from './ops-control.ts';
import { CONVOLUTIONS } from './ops-conv.ts';
import { IMAGES } from './ops-image.ts';
import { INDICES } from './ops-index.ts';
import { MATH } from './ops-math.ts';
import { MICROSOFT } from './ops-microsoft.ts';
import { LEARNING } from './ops-ml.ts';
import { NORMS } from './ops-norm.ts';
import { QUANTISED } from './ops-quant.ts';
import { RANDOM } from './ops-random.ts';
import { RECURRENT } from './ops-recurrent.ts';
import { REDUCTIONS } from './ops-reduce.ts';
import { REGIONS } from './ops-region.ts';
import { SHAPES } from './ops-shape.ts';
import { SIGNALS } from './ops-signal.ts';
import { TEXT } from './ops-text.ts';
import { TRAINING } from './ops-train.ts';
import { TRANSFORMERS } from './ops-transformer.ts';
import { TYPES } from './ops-types.ts';

const FAMILIES: readonly Readonly<Record<string, Row>>[] = [
  ...[
    MATH,
    ACTIVATIONS,
    REDUCTIONS,
    SHAPES,
    INDICES,
    TYPES,
    CONVOLUTIONS,
    NORMS,
    RECURRENT,
    QUANTISED,
    CONTROL,
    IMAGES,
    REGIONS,
    SIGNALS,
    RANDOM,
    TRAINING,
    ATTENTION,
    TEXT,
    MICROSOFT,
    TRANSFORMERS,
    LEARNING,
  ],
];

/** All rows: ONNX's own operators by their names, others as `domain:name`. */
export const ROWS: ReadonlyMap<string, Row> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));

/** The row of a node's operator, or null. */
export function findRow({ domain, op }: Pick<Node, 'domain' | 'op'>): Row | null {
  return ROWS.get(domain === '' ? op : `${domain}:${op}`) ?? null;
}
