// What happened in a world, in order: what the checks read.
import type { Pod } from '@drydock/api/generated/types.ts';

/** Milliseconds of the world's monotonic clock. */
interface At {
  readonly atMs: number;
}

/** Something of one container. `term`, `kill`: a signal to it; `hook`: its preStop begins; `end`: its process is over. */
export interface ContainerEntry extends At {
  readonly what: 'start' | 'hook' | 'term' | 'kill' | 'end';
  readonly uid: string;
  readonly name: string;
  readonly id: string;
  readonly exitCode?: number;
}

/** A pod's object was stored, or removed (`after` is missing). */
export interface PodEntry extends At {
  readonly what: 'pod';
  readonly uid: string;
  readonly before: Pod | undefined;
  readonly after: Pod | undefined;
  /** Names of its containers that run at that moment. */
  readonly running: readonly string[];
  /** Whether it has a folder at that moment. */
  readonly hasFolder: boolean;
}

export interface LifeEntry extends At {
  readonly what: 'crash' | 'restart';
}

export type Entry = ContainerEntry | PodEntry | LifeEntry;
