// Removes what a hostPath volume held, where this program runs. Others write below /tmp: no link is followed on the way there, and
// nothing that is mounted is entered.

import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { BeneathError, systemCode } from '@drydock/foundation/beneath/errors.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';

/** @param path below /tmp, without `..`. Fine where there is nothing. Rejects with BeneathError or the system's error. */
export async function removeHostFiles(path: string): Promise<void> {
  const [top, ...names] = path.split('/').filter((name) => name !== '' && name !== '.');
  const last = names.pop();
  if (top !== 'tmp' || last === undefined || [...names, last].includes('..'))
    throw new BeneathError('name', `${path} is not below /tmp`);
  const open: Directory[] = [await Directory.open('/tmp')];
  try {
    for (const name of names) open.push(await (open.at(-1) as Directory).enter(name));
    await removeTree(open.at(-1) as Directory, last);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  } finally {
    for (const directory of open) await directory.close();
  }
}
