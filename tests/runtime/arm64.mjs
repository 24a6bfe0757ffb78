// arm64 runtimes on an x86-64 machine: npm's builds under qemu-user, with a few Debian libraries unpacked beside them.
import { join } from 'node:path';
import { at } from '../../scripts/sources.mjs';
import { release, unpackDebian } from './debian.mjs';
import { install, sh } from './install.mjs';

const HERE = at('tests/runtime/arm64');
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'];

/** Makes them ready; command lines by name, or a text that says why there are none. */
export async function arm64() {
  if (process.arch === 'arm64') return 'this machine is arm64 itself: its Node, Deno and Bun are tested as such';
  if (process.platform !== 'linux' || (await sh('qemu-aarch64-static', ['--version'])).code !== 0)
    return 'qemu-user-static is not installed (apt-get install qemu-user-static)';
  const why =
    (await install('tests/runtime/arm64', ['--force', '--cpu=arm64', '--os=linux', '--libc=glibc'])) ??
    (await unpackDebian(join(HERE, 'node_modules/sysroot'), release(), LIBRARIES, 'arm64'));
  if (why) return why;
  const qemu = ['qemu-aarch64-static', '-L', join(HERE, 'node_modules/sysroot')];
  const program = (path, ...rest) => [...qemu, join(HERE, 'node_modules', path), ...rest];
  return {
    'arm64 Node 20': program('node20/bin/node'),
    'arm64 Node 24': program('node24/bin/node'),
    'arm64 Deno': program('@deno/linux-arm64-glibc/deno', 'run'),
    'arm64 Bun': program('@oven/bun-linux-aarch64/bin/bun'),
  };
}
