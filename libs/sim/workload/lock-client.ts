// A client that takes a lock or stands for election, does something with it, and gives it up, or stands still past its lease. What it
// writes it writes only if its key is still there: the fence that etcd's documentation asks for.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { SimClient } from '../client.ts';
import type { Request, Response } from '../history/operation.ts';
import type { Recorder } from '../history/recorder.ts';
import type { MemberHost } from '../member-host.ts';
import { perform } from './perform.ts';

const lockNames = 2;
const pauseUs = 1_000_000;
const holdUs = 3_000_000;

export interface LockEnvironment {
  readonly client: SimClient;
  readonly recorder: Recorder;
  readonly random: RandomStream;
  readonly keys: number;
  readonly host: () => MemberHost;
}

export class LockClient {
  readonly #environment: LockEnvironment;
  #stopped = false;
  #writes = 0;

  constructor(environment: LockEnvironment) {
    this.#environment = environment;
  }

  /** Resolves after `stop`, when nothing is asked any more. */
  async run(): Promise<void> {
    const { client, random } = this.#environment;
    while (!this.#stopped) {
      await this.#turn();
      await client.sleep(random.next() * pauseUs);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #turn(): Promise<void> {
    const { client, random } = this.#environment;
    const granted = await this.#ask({ kind: 'leaseGrant', lease: '0', ttlSeconds: 2 + random.int(6) });
    if (granted?.kind !== 'leaseGrant') return;
    const { lease } = granted;
    const number = random.int(lockNames);
    const election = random.int(2) === 0;
    const name = `${election ? 'election' : 'lock'}${number}`;
    const held = await this.#ask({ kind: 'lock', name, lease, ...(election ? { election } : {}) });
    if (held?.kind === 'lock') {
      await this.#write(held.key);
      await client.sleep(random.next() * holdUs);
      if (random.int(2) === 0) await this.#ask({ kind: 'leaseKeepAlive', lease });
      await this.#write(held.key);
      if (random.int(2) === 0) await this.#ask({ kind: 'unlock', key: held.key });
    }
    // Else it ends by itself.
    if (random.int(2) === 0) await this.#ask({ kind: 'leaseRevoke', lease });
  }

  #write(key: string): Promise<Response | undefined> {
    const { client, random, keys } = this.#environment;
    return this.#ask({
      kind: 'txn',
      compare: [{ key, target: 'createRevision', is: '>', to: '0' }],
      success: [{ kind: 'put', key: `k${random.int(keys)}`, value: `${client.life.name}-${++this.#writes}` }],
      failure: [{ kind: 'range', key }],
    });
  }

  #ask(request: Request): Promise<Response | undefined> {
    const { client, recorder, host } = this.#environment;
    return perform(client, host(), recorder, request);
  }
}
