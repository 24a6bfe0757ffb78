// What runs a stand-alone module on this machine: programs, and why one is missing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { at } from '../../scripts/sources.mjs';
import { arm64 } from '../runtime/arm64.mjs';
import { unpackDebian } from '../runtime/debian.mjs';
import { install, installed, sh } from '../runtime/install.mjs';

const HERE = at('out/standalone');
/** Of a later release than this machine's may be: they run with the loader and the libraries of their own. */
const LATER = [
  ...['libc6', 'libgcc-s1', 'libstdc++6', 'libmd0', 'libbsd0', 'libtinfo6', 'libedit2', 'libffi8', 'libfmt10', 'liblzma5', 'zlib1g'],
  ...['libxml2', 'libz3-4', 'libzstd1', 'libllvm19', 'libspdlog1.15', 'libwasmedge0', 'wasmedge', 'wabt', 'libsimde-dev'],
];

/** Whether a program is on the path. */
const found = async (name) => (await sh('sh', ['-c', `command -v ${name}`])).code === 0;

/**
 * Rows of { name, missing, api or wasi or native }: `api` runs api.mjs over the module without imports, `wasi` runs the module of --wasi,
 * `native` compiles the module without imports: the command that compiles, given files and a target.
 */
export async function tools({ emulated = false } = {}) {
  const none = await install('tests/runtime');
  const deno = installed('@deno/linux-x64-glibc/deno');
  const bun = installed('@oven/bun-linux-x64/bin/bun');
  const lacks = none ?? 'npm has no build for this machine';
  const x64 = process.arch === 'x64' && process.platform === 'linux' ? null : 'its build is for Linux on x86-64';
  const go = x64 ?? (await unpackDebian(join(HERE, 'sid'), 'sid', ['wazero']));
  const edge = x64 ?? (await unpackDebian(join(HERE, 'trixie'), 'trixie', LATER));
  const later = (name) => {
    const root = join(HERE, 'trixie');
    return [`${root}/usr/lib64/ld-linux-x86-64.so.2`, '--library-path', `${root}/usr/lib/x86_64-linux-gnu`, `${root}/usr/bin/${name}`];
  };
  const wabt = { wasm2c: later('wasm2c'), runtime: join(HERE, 'trixie/usr/src/wasm2c'), simde: join(HERE, 'trixie/usr/include') };
  const noC = (await found('cc')) ? null : 'there is no C compiler';
  const fma = existsSync('/proc/cpuinfo') && (await sh('grep', ['-qw', 'fma', '/proc/cpuinfo'])).code === 0;
  const native = (name, flags, why = null, cc = 'cc', run = []) => ({
    name,
    missing: edge ?? why,
    native: { ...wabt, cc, flags: ['-w', '-ffp-contract=off', ...flags], run },
  });
  const cross = (await found('aarch64-linux-gnu-gcc')) ? null : 'there is no C compiler for arm64 (apt-get install gcc-aarch64-linux-gnu)';
  const list = [
    { name: 'Node', missing: null, api: [process.execPath] },
    { name: 'Node, node:wasi', missing: null, wasi: [process.execPath, '--no-warnings', at('tests/standalone/wasi.mjs')] },
    { name: 'Deno', missing: deno ? null : lacks, api: [deno, 'run', '--allow-read', '--allow-write'] },
    { name: 'Bun', missing: bun ? null : lacks, api: [bun] },
    { name: 'Bun, WASI', missing: bun ? null : lacks, wasi: [bun, 'run'] },
    { name: 'wazero', missing: go, wasi: [join(HERE, 'sid/usr/bin/wazero'), 'run'] },
    { name: 'wazero, interpreter', missing: go, wasi: [join(HERE, 'sid/usr/bin/wazero'), 'run', '-interpreter'] },
    { name: 'WasmEdge', missing: edge, wasi: later('wasmedge') },
    native('wasm2c and cc -O2', ['-O2'], noC),
    native('wasm2c and cc -O3 with FMA', ['-O3', '-mfma', '-mavx2'], noC ?? (fma ? null : 'this processor has no FMA')),
  ];
  if (emulated) {
    const foreign = await arm64();
    const why = typeof foreign === 'string' ? foreign : null;
    list.push({ name: 'arm64 Node', missing: why, api: why ? [] : foreign['arm64 Node 20'] });
    list.push(native('arm64 wasm2c and gcc -O2', ['-O2', '-static'], cross, 'aarch64-linux-gnu-gcc', ['qemu-aarch64-static']));
  }
  for (const name of ['wasmtime', 'wasmer', 'iwasm', 'wasm3'])
    list.push(
      (await found(name))
        ? { name, missing: null, wasi: name === 'wasmtime' ? [name, 'run'] : [name] }
        : { name, missing: 'it is not installed' },
    );
  return list;
}
