// Snapshots on their way out and in (chapter 5): Raft knows only their place, the content goes from state machine to state machine.
import type { Disk } from '@drydock/foundation/disk.ts';
import type { MemberId, Snapshot, SnapshotMeta } from 'raft-ts/types.ts';
import type { SnapshotMessage, Transport } from '../peer/transport.ts';
import type { StateMachine, StateMachineSnapshot } from '../replica.ts';
import { limits, snapFolder } from './options.ts';
import { readSnapshotFile, snapshotFileName, writeSnapshotFile } from './snapshot-file.ts';

const partFile = `${snapFolder}/receiving.part`;

export interface SnapshotPorts {
  readonly disk: Disk;
  readonly machine: StateMachine;
  readonly transport: Transport;
  /** Term and membership at an applied index. */
  readonly metaAt: (index: number) => SnapshotMeta;
  readonly report: (id: MemberId, outcome: 'finished' | 'failed', error?: unknown) => void;
}

export class Snapshots {
  readonly #ports: SnapshotPorts;
  #sending = 0;
  #receiving = false;

  constructor(ports: SnapshotPorts) {
    this.#ports = ports;
  }

  /** The place that a snapshot taken now would have; undefined while enough of them are under way. */
  place(): Snapshot | undefined {
    const index = this.#ports.machine.appliedIndex();
    if (index === 0 || this.#sending >= limits.snapshotSendsMax) return undefined;
    return { meta: this.#ports.metaAt(index), data: new Uint8Array(0) };
  }

  /** Streams the state machine as it is now, which is where `message` says or later. */
  send(message: SnapshotMessage): void {
    this.#sending++;
    const { to } = message;
    const content = onceOnly(this.#ports.machine.snapshot());
    const snapshot = { meta: this.#ports.metaAt(content.index), data: new Uint8Array(0) };
    this.#ports.transport.sendSnapshot({ ...message, snapshot }, content.content).then(
      () => this.#sent(to, content, 'finished'),
      (error) => this.#sent(to, content, 'failed', error),
    );
  }

  #sent(to: MemberId, content: OnceOnly, outcome: 'finished' | 'failed', error?: unknown): void {
    this.#sending--;
    content.release();
    this.#ports.report(to, outcome, error);
  }

  /** Stores what arrives; resolves to the message for Raft. One at a time. */
  async receive(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<SnapshotMessage> {
    if (this.#receiving) throw new SnapshotBusyError();
    this.#receiving = true;
    try {
      await writeSnapshotFile(this.#ports.disk, partFile, content);
      await this.#ports.disk.rename(partFile, this.#file(message.snapshot.meta));
      return message;
    } finally {
      this.#receiving = false;
    }
  }

  /** Puts a stored snapshot into the state machine. */
  async restore(meta: SnapshotMeta): Promise<void> {
    await this.#ports.machine.restore(meta, readSnapshotFile(this.#ports.disk, this.#file(meta)));
    await this.discard(meta);
  }

  /** Raft had no use for it, or it is used. */
  async discard(meta: SnapshotMeta): Promise<void> {
    const name = snapshotFileName(meta.index);
    if ((await this.#ports.disk.list(snapFolder)).includes(name)) await this.#ports.disk.remove(this.#file(meta));
  }

  #file(meta: SnapshotMeta): string {
    return `${snapFolder}/${snapshotFileName(meta.index)}`;
  }
}

/** Another one is being received; the leader tries again. */
export class SnapshotBusyError extends Error {
  override readonly name = 'SnapshotBusyError';

  constructor() {
    super('a snapshot is being received already');
  }
}

interface OnceOnly extends StateMachineSnapshot {
  /** Frees what the snapshot holds if nobody has read it. */
  release(): void;
}

function onceOnly(snapshot: StateMachineSnapshot): OnceOnly {
  let begun = false;
  return {
    index: snapshot.index,
    content: {
      [Symbol.asyncIterator]: () => {
        begun = true;
        return snapshot.content[Symbol.asyncIterator]();
      },
    },
    release: () => {
      if (!begun) void snapshot.content[Symbol.asyncIterator]().return?.();
    },
  };
}
