// Debian packages unpacked into a folder, with lists of their own: the system's apt is left alone.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sh } from './install.mjs';

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The code name of this machine's release, or null. */
export function release() {
  return (existsSync('/etc/os-release') && /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]) || null;
}

/** Unpacks packages of a release into a folder, once; null, or a text that says why not. */
export async function unpackDebian(folder, from, packages, architecture = 'amd64') {
  if (existsSync(join(folder, 'complete'))) return null;
  const archive = debian();
  if (!archive || !from) return 'it comes from a Debian archive, and this machine names none';
  const own = `${folder}.apt`;
  for (const name of ['lists/partial', 'cache/archives/partial', 'debs']) mkdirSync(join(own, name), { recursive: true });
  writeFileSync(join(own, 'sources.list'), `deb [arch=${architecture} signed-by=${KEYS}] ${archive} ${from} main\n`);
  writeFileSync(join(own, 'status'), '');
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
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
    ['download', '-qq', ...packages],
  ]) {
    const { code, output } = await sh('apt-get', [...options, ...args], { cwd: debs });
    if (code !== 0) return `apt-get ${args[0]} of ${from} for ${architecture} failed: ${output.trim().split('\n').at(-1)}`;
  }
  for (const name of readdirSync(debs)) {
    const { code, output } = await sh('dpkg', ['-x', join(debs, name), folder]);
    if (code !== 0) return `${name} does not unpack: ${output}`;
  }
  writeFileSync(join(folder, 'complete'), '');
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
