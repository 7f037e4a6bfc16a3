// The chain of admission plugins: what may change an object before validation, and what may refuse it after.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import type { User } from '../request.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What a plugin is asked about. `object` is the plugin's to change in `mutate`; `old` is shared, never change it. */
export interface AdmissionRequest {
  readonly operation: Operation;
  readonly info: ResourceInfo;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: User;
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly dryRun: boolean;
  /** Tells the client beside the answer, whatever it is. */
  warn(texts: readonly string[]): void;
}

/** One plugin. Methods fail with ApiError to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(request: AdmissionRequest): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async mutate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) await plugin.mutate?.(request);
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) await plugin.validate?.(request);
  }
}
