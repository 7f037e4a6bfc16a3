// Users whose permissions change while they ask, under a leader that dies, a member that is cut off and one that stands still: who was
// told that a permission is gone can rely on it everywhere, and so can who was told that it is there.
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import { permissionType } from '@drydock/etcd/rpc/auth-messages.ts';
import type { MessageOf, Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { CallError } from '../calls.ts';
import type { MemberHost } from '../member-host.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

interface Span {
  readonly invoke: number;
  readonly end: number;
}

export interface Change extends Span {
  readonly grants: boolean;
}

export interface Attempt extends Span {
  readonly key: string;
  readonly outcome: 'taken' | 'denied' | 'other';
}

const perm = { permType: permissionType.readWrite, key: 'k', range_end: 'l' };
/** After this a request without an answer is not answered any more, and not carried out either. */
const forgottenSeconds = 12;
const invalidToken = /invalid auth token/;
const denied = /permission denied/;

class Play {
  readonly #stage: Stage;
  readonly changes: Change[] = [];
  readonly attempts: Attempt[] = [];
  over = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Until it is answered well. Gives the time of the first attempt. */
  async admin<I extends Schema, O extends Schema>(
    host: MemberHost,
    method: ApiMethod<I, O>,
    message: Partial<MessageOf<I>>,
  ): Promise<number> {
    const { world } = this.#stage;
    const invoke = world.nowUs;
    for (;;) {
      try {
        await this.#as('root', host, method, message);
        return invoke;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        // Done already by an attempt without an answer.
        if (/not granted|already exists|already enabled/.test(error.message)) return invoke;
        if (error.reached && !invalidToken.test(error.message)) await this.#stage.sleep(forgottenSeconds);
        else await this.#stage.sleep(0.1);
      }
    }
  }

  async change(host: MemberHost, grants: boolean): Promise<void> {
    const invoke = grants
      ? await this.admin(host, api.roleGrantPermission, { name: 'writer', perm })
      : await this.admin(host, api.roleRevokePermission, { role: 'writer', key: perm.key, range_end: perm.range_end });
    this.changes.push({ invoke, end: this.#stage.world.nowUs, grants });
  }

  /** The user at work through one member, mostly where it may be allowed, sometimes where it never is. */
  async work(host: MemberHost): Promise<void> {
    const { world, random } = this.#stage;
    const dice = random.stream(`user at ${host.name}`);
    while (!this.over) {
      const key = dice.int(4) === 0 ? 'other' : `k${dice.int(3)}`;
      const invoke = world.nowUs;
      const outcome = await this.#attempt(host, key);
      this.attempts.push({ invoke, end: world.nowUs, key, outcome });
      await this.#stage.sleep(0.01 + dice.next() * 0.05);
    }
  }

  async #attempt(host: MemberHost, key: string): Promise<Attempt['outcome']> {
    try {
      await this.#as('user', host, api.put, { key, value: Buffer.from('x') });
      return 'taken';
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return denied.test(error.message) ? 'denied' : 'other';
    }
  }

  /** With a token that the member knows: one that was started again has forgotten those of before. */
  async #as<I extends Schema, O extends Schema>(
    name: string,
    host: MemberHost,
    method: ApiMethod<I, O>,
    message: Partial<MessageOf<I>>,
  ): Promise<MessageOf<O>> {
    const client = this.#stage.client(`${name} at ${host.name}`);
    try {
      return await client.call(host, method, message);
    } catch (error) {
      if (!(error instanceof CallError) || !/invalid auth token|user name is empty/.test(error.message)) throw error;
      client.token = undefined;
      client.token = (await client.call(host, api.authenticate, { name, password: name })).token;
      return client.call(host, method, message);
    }
  }
}

/** Attempts that no order of the changes explains; `changes` follow each other. */
export function contradictions(changes: readonly Change[], attempts: readonly Attempt[]): string[] {
  return attempts.flatMap(({ invoke, end, key, outcome }) => {
    if (key === 'other') return outcome === 'taken' ? [`a write of ${key} at ${invoke} us, which is never allowed`] : [];
    const before = changes.findLast((change) => change.end < invoke);
    const during = changes.some((change) => change.invoke < end && change.end >= invoke);
    if (during || outcome === 'other') return [];
    const allowed = before?.grants ?? false;
    if (allowed === (outcome === 'taken')) return [];
    return [`${outcome} at ${invoke} us, when the permission was ${allowed ? 'there' : 'gone'} for certain`];
  });
}

export const changingPermissions: Scenario = {
  name: 'changing-permissions',
  stage: { size: 3 },
  play: async (stage) => {
    const first = await stage.start();
    const play = new Play(stage);
    for (const name of ['root', 'user']) await play.admin(first, api.userAdd, { name, password: name });
    await play.admin(first, api.userGrantRole, { user: 'root', role: 'root' });
    await play.admin(first, api.roleAdd, { name: 'writer' });
    await play.admin(first, api.userGrantRole, { user: 'user', role: 'writer' });
    await play.admin(first, api.authEnable, {});
    const working = stage.hosts.map((host) => play.work(host));
    for (let round = 0; round < 8; round++) {
      const leader = await stage.leader(stage.hosts.filter(({ serving }) => serving !== undefined));
      const [other = leader, third = leader] = stage.others(leader);
      if (round === 2) leader.kill(true);
      if (round === 4) other.life?.pause();
      const heal = round === 6 ? stage.cut([other], stage.others(other)) : () => {};
      await play.change(third, true);
      await stage.sleep(0.5);
      await play.change(third, false);
      await stage.sleep(0.5);
      other.life?.resume();
      heal();
      for (const host of stage.hosts) host.start();
      await stage.until('all serve', 30, () => stage.hosts.every(({ serving }) => serving !== undefined));
    }
    play.over = true;
    await Promise.all(working);
    const count = (kind: Attempt['outcome']): number => play.attempts.filter(({ outcome }) => outcome === kind).length;
    stage.world.note(`taken ${count('taken')}, denied ${count('denied')}, other ${count('other')}`);
    stage.expect('some are taken, some are denied', count('taken') > 20 && count('denied') > 20);
    const wrong = contradictions(play.changes, play.attempts);
    stage.expect(`each as it has to be: ${wrong.slice(0, 3).join('; ')}`, wrong.length === 0);
  },
};
