// arm64 runtimes on an x86-64 machine: npm's builds under qemu-user, with a few Debian libraries unpacked beside them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at } from '../../scripts/sources.mjs';
import { install, sh } from './install.mjs';

const HERE = at('tests/runtime/arm64');
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'];
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Makes them ready; command lines by name, or a text that says why there are none. */
export async function arm64() {
  if (process.arch === 'arm64') return 'this machine is arm64 itself: its Node, Deno and Bun are tested as such';
  if (process.platform !== 'linux' || (await sh('qemu-aarch64-static', ['--version'])).code !== 0)
    return 'qemu-user-static is not installed (apt-get install qemu-user-static)';
  const why = (await install('tests/runtime/arm64', ['--force', '--cpu=arm64', '--os=linux', '--libc=glibc'])) ?? (await libraries());
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

/** Unpacks Debian's arm64 libraries into node_modules/sysroot with lists of its own: the system's apt is left alone. */
async function libraries() {
  const sysroot = join(HERE, 'node_modules/sysroot');
  if (existsSync(join(sysroot, 'complete'))) return null;
  const archive = debian();
  const release = existsSync('/etc/os-release') && /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (!archive || !release) return 'its libraries come from a Debian archive, and this machine names none';
  const own = join(HERE, 'node_modules/apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs']) mkdirSync(join(own, folder), { recursive: true });
  writeFileSync(join(own, 'sources.list'), `deb [arch=arm64 signed-by=${KEYS}] ${archive} ${release} main\n`);
  writeFileSync(join(own, 'status'), '');
  const settings = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': 'root',
    'Dir::Etc::sourcelist': join(own, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(own, 'lists'),
    'Dir::State::status': join(own, 'status'),
    'Dir::Cache': join(own, 'cache'),
  };
  const options = Object.entries(settings).map(([name, value]) => `-o${name}=${value}`);
  const debs = join(own, 'debs');
  for (const args of [
    ['update', '-qq'],
    ['download', '-qq', ...LIBRARIES],
  ]) {
    const { code, output } = await sh('apt-get', [...options, ...args], { cwd: debs });
    if (code !== 0) return `apt-get ${args[0]} for arm64 failed: ${output.trim().split('\n').at(-1)}`;
  }
  for (const name of readdirSync(debs)) {
    const { code, output } = await sh('dpkg', ['-x', join(debs, name), sysroot]);
    if (code !== 0) return `${name} does not unpack: ${output}`;
  }
  writeFileSync(join(sysroot, 'complete'), '');
  return null;
}

/** The Debian archive that the machine's own sources name. */
function debian() {
  const folder = '/etc/apt/sources.list.d';
  const lists = ['/etc/apt/sources.list', ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])];
  for (const list of lists.filter((path) => existsSync(path))) {
    const found = /^(?:URIs:|deb(?: \[[^\]]*\])?) +(\S+\/debian)\/?(?:\s|$)/m.exec(readFileSync(list, 'utf8'));
    if (found) return found[1];
  }
  return null;
}
