// The original kube-apiserver, where one runs: what is recorded from it is what tests of ours expect.
import { readFileSync } from 'node:fs';
import { type WireClient, wireClient } from './wire.ts';

/**
 * Clients of the original that DRYDOCK_ORIGINAL names as `https://HOST:PORT,FOLDER` (a folder with ca.crt, admin.crt and
 * admin.key of a master, who then acts as the user asked for); undefined without it.
 */
export function originalFrom(setting: string | undefined): ((user: string) => WireClient) | undefined {
  if (setting === undefined || setting === '') return undefined;
  const [base = '', folder = ''] = setting.split(',');
  const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');
  const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
  return (user) => wireClient(base, tls, user === 'admin' ? {} : { 'impersonate-user': user });
}
