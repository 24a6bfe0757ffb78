import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root: the nearest folder above this module that holds package.json, also when this runs from build/. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    if (dirname(folder) === folder) throw new Error('no package.json in any folder above the tests');
    folder = dirname(folder);
  }
  return folder;
}

/**
 * The folder of conformance data: the environment variable WICK_CONFORMANCE, else ../shared/conformance beside the repository; null
 * where neither holds `part`. A folder that WICK_CONFORMANCE names but that does not exist is an error, not a skip.
 *
 * `conformanceFolder('safetensors') // '/somewhere/shared/conformance/safetensors' or null`
 */
export function conformanceFolder(part: string): string | null {
  const named = process.env.WICK_CONFORMANCE;
  if (named && !existsSync(named)) throw new Error(`WICK_CONFORMANCE names ${named}, which does not exist`);
  const folder = join(named || join(repositoryRoot(), '..', 'shared', 'conformance'), part);
  return existsSync(folder) ? folder : null;
}
