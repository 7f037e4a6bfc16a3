// Who gives a store that has reached its quota its space back, as etcd's documentation says: compact, defragment every member, and
// disarm. It alone disarms, and writes down what it knows of the alarm.
import { api } from '@drydock/etcd/rpc/api.ts';
import { alarmAction, alarmType } from '@drydock/etcd/rpc/messages.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { CallError } from '../calls.ts';
import type { SimClient } from '../client.ts';
import type { Recorder } from '../history/recorder.ts';
import type { MemberHost } from '../member-host.ts';
import { perform } from './perform.ts';

const everyUs = 1_500_000;

export interface JanitorEnvironment {
  readonly client: SimClient;
  readonly recorder: Recorder;
  readonly random: RandomStream;
  readonly host: () => MemberHost;
  readonly hosts: () => readonly MemberHost[];
}

export class Janitor {
  readonly #environment: JanitorEnvironment;
  #stopped = false;
  #isClean = false;
  #finishing = false;

  constructor(environment: JanitorEnvironment) {
    this.#environment = environment;
  }

  /** Whether there was no alarm when it last looked, after `finish`. */
  get isClean(): boolean {
    return this.#isClean;
  }

  async run(): Promise<void> {
    const { client } = this.#environment;
    while (!this.#stopped) {
      await client.sleep(everyUs);
      await this.#round();
    }
  }

  /** Goes on until nothing is left. */
  finish(): void {
    this.#finishing = true;
  }

  async #round(): Promise<void> {
    const finishing = this.#finishing;
    const look = await this.#look();
    if (look === undefined) return;
    if (look.alarms.length === 0) {
      this.#isClean = finishing;
      this.#stopped = finishing;
      return;
    }
    const { client, recorder, host, hosts } = this.#environment;
    await perform(client, host(), recorder, { kind: 'compact', revision: look.revision, physical: true });
    for (const each of hosts()) if (!each.removed) await this.#try(() => client.call(each, api.defragment, {}));
    for (const memberID of look.alarms) await this.#disarm(memberID);
  }

  /** Whose alarms there are. The read before sees to it that the member asked is not behind. */
  async #look(): Promise<{ readonly revision: number; readonly alarms: readonly bigint[] } | undefined> {
    const { client, recorder, host } = this.#environment;
    const one = host();
    const invoke = recorder.now();
    const read = await perform(client, one, recorder, { kind: 'range', key: 'k0' });
    if (read === undefined) return undefined;
    const answer = await this.#try(() => client.call(one, api.alarm, { action: alarmAction.get }));
    if (answer === undefined) return undefined;
    const alarms = answer.alarms.filter(({ alarm }) => alarm === alarmType.noSpace).map(({ memberID }) => memberID);
    recorder.space({ kind: 'full', invoke, full: alarms.length > 0 });
    return { revision: read.revision, alarms };
  }

  async #disarm(memberID: bigint): Promise<void> {
    const { client, recorder, host } = this.#environment;
    const invoke = recorder.now();
    const message = { action: alarmAction.deactivate, memberID, alarm: alarmType.noSpace };
    const answer = await this.#try(() => client.call(host(), api.alarm, message));
    recorder.space({ kind: 'disarm', invoke, certain: answer !== undefined });
  }

  async #try<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof CallError) return undefined;
      throw error;
    }
  }
}
