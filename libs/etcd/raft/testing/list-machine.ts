// The smallest state machine that shows everything: a list of the texts that were proposed, durable when told so.
import { decodeConfigChange } from 'raft-ts/config-codec.ts';
import type { Entry, LogIndex, SnapshotMeta } from 'raft-ts/types.ts';
import type { StateMachine, StateMachineSnapshot } from '../../replica.ts';

export const refusedContext = 'refused';

interface State {
  readonly index: LogIndex;
  readonly values: readonly string[];
  readonly refused: readonly LogIndex[];
}

/** Survives `crash` as of the last `flush`. */
export class ListMachine implements StateMachine {
  values: string[] = [];
  readonly memberContexts: string[] = [];
  restores = 0;
  #applied: LogIndex = 0;
  #refused = new Set<LogIndex>();
  #durable: State = { index: 0, values: [], refused: [] };
  readonly #flushEvery: number;

  /** @param flushEvery entries after which the state is made durable by itself. */
  constructor(flushEvery = 1) {
    this.#flushEvery = flushEvery;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.#applied + 1) throw new RangeError(`entry ${entry.index} after ${this.#applied}`);
      this.#applied = entry.index;
      if (entry.type === 'configChange') this.#applyChange(entry);
      else if (entry.data.length > 0) this.values.push(Buffer.from(entry.data).toString());
    }
    if (this.#applied - this.#durable.index >= this.#flushEvery) this.flush();
  }

  /** Changes whose context is `refusedContext` are not taken. */
  #applyChange(entry: Entry): void {
    const context = Buffer.from(decodeConfigChange(entry.data).context).toString();
    this.memberContexts.push(context);
    if (context === refusedContext) this.#refused.add(entry.index);
  }

  refused(index: LogIndex): boolean {
    return this.#refused.has(index);
  }

  appliedIndex(): LogIndex {
    return this.#applied;
  }

  durableIndex(): LogIndex {
    return this.#durable.index;
  }

  flush(): void {
    this.#durable = { index: this.#applied, values: [...this.values], refused: [...this.#refused] };
  }

  crash(): void {
    this.values = [...this.#durable.values];
    this.#applied = this.#durable.index;
    this.#refused = new Set(this.#durable.refused);
  }

  snapshot(): StateMachineSnapshot {
    const values = [...this.values];
    return {
      index: this.#applied,
      content: (async function* () {
        for (const value of values) yield Buffer.from(`${value}\n`);
      })(),
    };
  }

  async restore(meta: SnapshotMeta, content: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of content) text += Buffer.from(chunk).toString();
    this.values = text.split('\n').slice(0, -1);
    this.#applied = meta.index;
    this.restores++;
    this.flush();
  }
}
