// What the controller is told at its start.
import type { LockKind } from '@drydock/client/election-lock.ts';
import type { ClassOptions } from './class.ts';

export interface ControllerOptions {
  readonly classes: ClassOptions;
  readonly annotationPrefix: string;
  /** Empty: all namespaces. */
  readonly watchNamespace: string;
  /** `namespace/name`, each; undefined where there is none. */
  readonly configMap: string | undefined;
  /** ConfigMaps with services of bare TCP or UDP, which are not proxied: what they have is told. */
  readonly streamConfigMaps: readonly { readonly protocol: 'tcp' | 'udp'; readonly name: string }[];
  readonly defaultBackend: string | undefined;
  readonly defaultCertificate: string | undefined;
  readonly publishService: string | undefined;
  readonly publishAddresses: readonly string[];
  /** Without both: the addresses of the nodes that the controller's pods run on. */
  readonly publishNodes: boolean;
  /** Of those, the internal ones. */
  readonly reportInternal: boolean;
  readonly updateStatus: boolean;
  readonly updateStatusOnShutdown: boolean;
  readonly statusUpdateMs: number;
  readonly syncEvents: boolean;
  readonly reloadEveryMs: number;
  readonly disableCatchAll: boolean;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Undefined: no election, this one always leads. */
  readonly election: { readonly id: string; readonly ttlMs: number; readonly lock: LockKind } | undefined;
  /** Whether its account may read slices; else Endpoints are read. */
  readonly readsSlices: boolean;
  /** Whether its account may read classes; else none is known. */
  readonly readsClasses: boolean;
  /** Where this controller runs: the namespace of its lease, and its name. */
  readonly namespace: string;
  readonly pod: string;
  /** Whom nginx's workers run as. */
  readonly workerUser: string | undefined;
  readonly luaFolder: string;
  readonly modulesFolder: string;
}
