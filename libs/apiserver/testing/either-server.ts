// A server of ours, or the original where DRYDOCK_ORIGINAL names one: for tests of what holds on both, at the wire.
import { readFileSync } from 'node:fs';
import { originalFrom } from './original.ts';
import { type TlsParts, type WireClient, WireServer } from './wire.ts';

const setting = process.env.DRYDOCK_ORIGINAL;
const original = originalFrom(setting);

/** Whether it is the original that is asked. */
export const isOriginal = original !== undefined;

export interface EitherServer {
  readonly base: string;
  /** Of somebody who may do everything. */
  readonly operator: TlsParts;
  readonly user: WireClient;
  /** The certificate of a user of ours, and what the original's folder has by the name of `file`. */
  certificate(user: string, file: string): Promise<TlsParts>;
  stop(): Promise<void>;
}

export async function startEither(): Promise<EitherServer> {
  if (original === undefined) {
    const server = await WireServer.start();
    return {
      base: server.base,
      operator: await server.certificate('operator'),
      user: await server.operator(),
      certificate: (user) => server.certificate(user),
      stop: () => server.stop(),
    };
  }
  const [base = '', folder = ''] = (setting ?? '').split(',');
  const pair = (name: string): TlsParts => {
    const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8');
    return { ca: read('ca.crt'), cert: read(`${name}.crt`), key: read(`${name}.key`) };
  };
  return {
    base,
    operator: pair('admin'),
    user: await original('admin'),
    certificate: async (_user, file) => pair(file),
    stop: async () => {},
  };
}
