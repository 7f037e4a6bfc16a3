// What a member does by itself to keep its state small.
import { CompactionRequest } from '../rpc/messages.ts';
import { encode } from '../rpc/protobuf.ts';
import { type AutoCompaction, AutoCompactor } from './auto-compaction.ts';
import type { EtcdServer } from './server.ts';

export interface UpkeepSettings {
  /** `--auto-compaction-mode` and `-retention`. */
  readonly autoCompaction?: AutoCompaction | undefined;
}

export class Upkeep {
  readonly #compactor: AutoCompactor | undefined;

  constructor(server: EtcdServer, settings: UpkeepSettings) {
    const { clock, log } = server.options;
    if (settings.autoCompaction !== undefined) {
      const target = {
        get isLeader() {
          return server.isLeader;
        },
        get revision() {
          return server.machine.store.revision;
        },
        compact: async (revision: number) => {
          await server.propose('compact', encode(CompactionRequest, { revision }));
          log.info({ revision }, 'compacted automatically');
        },
      };
      this.#compactor = new AutoCompactor(target, clock, settings.autoCompaction);
    }
  }

  start(): void {
    this.#compactor?.start();
  }

  stop(): void {
    this.#compactor?.stop();
  }
}
