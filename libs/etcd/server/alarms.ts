// Alarms that members have raised: part of the replicated state.
import type { Backend } from '../mvcc/backend.ts';
import { type AlarmMember, type AlarmRequest, alarmAction, alarmType } from '../rpc/messages.ts';
import { hexId } from './members.ts';

export class Alarms {
  readonly #active = new Map<string, AlarmMember>();
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  list(type: number = alarmType.none): AlarmMember[] {
    return [...this.#active.values()].filter((alarm) => type === alarmType.none || alarm.alarm === type);
  }

  has(type: number): boolean {
    // Asked for every request, and there are none as a rule.
    if (this.#active.size === 0) return false;
    return this.list(type).length > 0;
  }

  /** Raises or takes back; returns the alarms concerned, for `get` those that are active. */
  apply(request: AlarmRequest): AlarmMember[] {
    const { action, alarm, memberID } = request;
    if (action === alarmAction.activate) {
      if (alarm === alarmType.none) return [];
      const key = `${hexId(memberID)}/${alarm}`;
      const raised = { memberID, alarm };
      this.#active.set(key, raised);
      this.#backend.setRecord('alarm', key, Buffer.alloc(0));
      return [raised];
    }
    if (action !== alarmAction.deactivate) return this.list(alarm);
    // One alarm of one member: clients that mean all ask for the list and go through it.
    const key = `${hexId(memberID)}/${alarm}`;
    const active = this.#active.get(key);
    if (active === undefined) return [];
    this.#active.delete(key);
    this.#backend.setRecord('alarm', key, undefined);
    return [active];
  }

  restore(): void {
    this.#active.clear();
    for (const { key } of this.#backend.records('alarm')) {
      const [member, alarm] = key.toString().split('/');
      this.#active.set(key.toString(), { memberID: BigInt(`0x${member}`), alarm: Number(alarm) });
    }
  }
}
