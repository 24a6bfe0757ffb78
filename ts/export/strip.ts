// Leaves of the solo module what a plan uses, by binaryen.
import type binaryen from 'binaryen';
import { DeviceError } from '../base/errors.ts';
import type { Sole, Uses } from './uses.ts';

type Binaryen = typeof binaryen;

async function tool(): Promise<Binaryen> {
  try {
    return ((await import('binaryen')) as { default: Binaryen }).default;
  } catch (cause) {
    throw new DeviceError("exportWasm: the package 'binaryen' strips and optimises the module; install it: npm install binaryen", {
      cause,
    });
  }
}

/** What a stand-alone module exports; a command `_start` too. */
const EXPORTS = ['memory', 'inputs', 'outputs', 'input_address', 'input_bytes', 'output_address', 'output_bytes', 'run', 'error_detail'];

/** The module without kernels that nothing uses; those in `joined` get places behind the others. Without `wasi` it has no import. */
export async function stripped(module: Uint8Array, uses: Uses, joined: readonly string[], wasi: boolean): Promise<Uint8Array> {
  const b = await tool();
  const m = b.readBinary(module);
  try {
    const { SIMD128, BulkMemory, BulkMemoryOpt, NontrappingFPToInt, SignExt, MutableGlobals } = b.Features;
    m.setFeatures(SIMD128 | BulkMemory | BulkMemoryOpt | NontrappingFPToInt | SignExt | MutableGlobals);
    const functionOf = (name: string): string => b.getExportInfo(m.getExport(name)).value;
    const trap = (name: string): void => {
      const { params, results } = b.getFunctionInfo(m.getFunction(name));
      m.removeFunction(name);
      m.addFunction(name, params, results, [], m.unreachable());
    };
    // The imports of 'sole' become functions.
    const names = new Map<string, string>();
    for (let i = 0; i < m.getNumFunctions(); i++) {
      const { name, module, base } = b.getFunctionInfo(m.getFunctionByIndex(i));
      if (module === 'sole') names.set(base as string, name);
    }
    const define = (base: string, params: number, body: number): void => {
      const name = names.get(base);
      if (name === undefined) return;
      m.removeFunction(name);
      m.addFunction(name, b.createType(new Array(params).fill(b.i32)), b.i32, [], body);
    };
    const same = (values: ReadonlySet<number>): number => (values.size === 1 ? m.i32.const([...values][0]) : m.local.get(0, b.i32));
    for (const base of Object.keys(uses.values)) define(base, 1, same(uses.values[base as Sole]));
    const number = (i: number): number => m.i32.eq(m.local.get(1, b.i32), m.i32.const(i));
    define(
      'operand_dtype',
      2,
      uses.operands.reduceRight((rest, values, i) => m.if(number(i), same(values), rest), m.local.get(0, b.i32)),
    );
    if (!uses.maps) trap(functionOf('map'));
    if (!uses.chains) trap(functionOf('chain'));
    // An opcode is a place in the table, from 1 on: entry 1 + opcode, whose segment starts at 1.
    const { name, table, data } = b.getElementSegmentInfo(m.getElementSegmentByIndex(0));
    const kernels = [...data, ...joined.map(functionOf)];
    m.removeElementSegment(name);
    if (joined.length > 0) {
      m.removeTable(table);
      m.addTable(table, kernels.length + 1, kernels.length + 1);
    }
    for (const opcode of uses.opcodes) m.addActiveElementSegment(table, `kernel${opcode}`, [kernels[opcode]], m.i32.const(opcode + 1));
    const kept = wasi ? [...EXPORTS, '_start'] : EXPORTS;
    const exported = Array.from({ length: m.getNumExports() }, (_, i) => b.getExportInfo(m.getExportByIndex(i)).name);
    for (const name of exported) if (!kept.includes(name)) m.removeExport(name);
    b.setOptimizeLevel(3);
    b.setShrinkLevel(1);
    m.runPasses(['remove-unused-module-elements', 'directize']);
    m.optimize();
    return m.emitBinary();
  } finally {
    m.dispose();
  }
}
