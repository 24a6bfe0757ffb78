// The ONNX backend tests of the conformance folder: index.json and a pack of files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPTIONAL, type OptionalProto, SEQUENCE, type SequenceProto, TENSOR, type TensorProto } from '../../../ts/onnx/messages.ts';
import { optionalItem, sequenceItem, tensorValue } from '../../../ts/onnx/tensors.ts';
import { codeOf } from '../../../ts/onnx/types.ts';
import { type Item, Value } from '../../../ts/onnx/value.ts';
import { decodeMessage } from '../../../ts/onnx/wire.ts';

interface Port {
  readonly name: string;
  readonly kind: 'tensor' | 'sequence' | 'optional' | 'map';
  readonly dtype: string;
  readonly shape: readonly (number | string | null)[];
}
/** One test of index.json. */
export interface OnnxTest {
  readonly name: string;
  readonly ops: readonly string[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly rtol: number;
  readonly atol: number;
  readonly sets: number;
  readonly tier: 'core' | 'extended';
  readonly random: boolean;
  readonly input_rule?: string;
  readonly files: Readonly<Record<string, readonly [offset: number, length: number]>>;
}
/** Inputs and expected outputs of one run; missing optional inputs are left out. */
export interface DataSet {
  readonly inputs: ReadonlyMap<string, Item>;
  readonly outputs: readonly Item[];
}

/** The tests of a folder, with the files of each. */
export class OnnxTests {
  readonly tests: readonly OnnxTest[];
  private readonly pack: Uint8Array;
  constructor(folder: string) {
    this.tests = (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { tests: OnnxTest[] }).tests;
    this.pack = readFileSync(join(folder, 'data.bin'));
  }
  file(test: OnnxTest, name: string): Uint8Array | null {
    const place = test.files[name];
    return place === undefined ? null : this.pack.subarray(place[0], place[0] + place[1]);
  }
  model(test: OnnxTest): Uint8Array {
    return this.file(test, 'model.onnx') as Uint8Array;
  }
  private item(test: OnnxTest, name: string, { kind, dtype }: Port): Item | null {
    const bytes = this.file(test, name);
    if (bytes === null) return null;
    if (kind === 'sequence') return sequenceItem(decodeMessage(bytes, SEQUENCE) as unknown as SequenceProto);
    if (kind === 'optional') return optionalItem(decodeMessage(bytes, OPTIONAL) as unknown as OptionalProto);
    const proto = decodeMessage(bytes, TENSOR) as unknown as TensorProto;
    // Older generators had no bfloat16 of NumPy: they wrote its bits under the code of uint16.
    const raw = dtype === 'bfloat16' && proto.dataType === codeOf('uint16') && proto.rawData !== undefined;
    return tensorValue(raw ? { ...proto, dataType: codeOf('bfloat16') } : proto, () => null, name);
  }
  *sets(test: OnnxTest): Generator<DataSet> {
    for (let k = 0; k < test.sets; k++) {
      const folder = `test_data_set_${k}`;
      const inputs = new Map<string, Item>();
      test.inputs.forEach((port, i) => {
        const item = test.input_rule === undefined ? this.item(test, `${folder}/input_${i}.pb`, port) : ramp(port.shape as number[]);
        if (item !== null) inputs.set(port.name, item);
      });
      const outputs = test.outputs.map((port, i) => {
        const item = this.item(test, `${folder}/output_${i}.pb`, port);
        if (item === null) throw new Error(`${test.name}: output ${i} is not in the folder`);
        return item;
      });
      yield { inputs, outputs };
    }
  }
}
/** input[i] = i / n, the rule of the whole networks. */
function ramp(shape: readonly number[]): Value {
  const n = shape.reduce((a, b) => a * b, 1);
  return Value.known(
    'float',
    shape,
    Float32Array.from({ length: n }, (_, i) => i / n),
  );
}
