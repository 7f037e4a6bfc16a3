// A downgrade that is announced: part of the replicated state. etcd's members then write in the older version's format until they
// are replaced; ours have one format, so that announcing it changes nothing but what clients are told.
import { EtcdError } from '../errors.ts';
import type { Backend } from '../mvcc/backend.ts';

/** In the meta bucket; the value is the version. */
export const downgradeMark = 'downgradeTarget';

export interface DowngradeInfo {
  readonly enabled: boolean;
  /** `3.5.0`; empty where none is announced. */
  readonly targetVersion: string;
}

export class Downgrade {
  readonly #backend: Backend;
  #target = '';

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get info(): DowngradeInfo {
    return { enabled: this.#target !== '', targetVersion: this.#target };
  }

  set({ enabled, targetVersion }: DowngradeInfo): void {
    this.#target = enabled ? targetVersion : '';
    this.#backend.setRecord('meta', downgradeMark, enabled ? Buffer.from(targetVersion) : undefined);
  }

  restore(): void {
    this.#target = '';
    for (const { key, value } of this.#backend.records('meta'))
      if (key.toString() === downgradeMark) this.#target = value.toString();
  }
}

/**
 * The version that a client asks for, as `major.minor.0`. Throws EtcdError where it is none, or not one minor below `cluster`, or where
 * a downgrade is under way.
 */
export function checkedTarget(text: string, cluster: string, info: DowngradeInfo): string {
  const target = parse(text) ?? parse(`${text}.0`);
  if (target === undefined) throw new EtcdError('downgradeVersionFormat');
  const [major, minor] = parse(cluster) ?? [0, 0];
  if (target[0] !== major || target[1] !== minor - 1) throw new EtcdError('downgradeTarget');
  if (info.enabled) throw new EtcdError('downgradeInProcess');
  return `${target.join('.')}.0`;
}

/** Major and minor of a semantic version. */
function parse(text: string): [number, number] | undefined {
  const match = /^(\d+)\.(\d+)\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}
