// What a kubelet has of CSI, put together from its parts.
import type { Node } from '@drydock/api/generated/types.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import { PluginRegistrar } from '../../plugins/registrar.ts';
import type { OpenSocket } from '../../plugins/socket-client.ts';
import type { PluginSocket } from '../../plugins/sockets.ts';
import type { PodFolders } from '../pod-folders.ts';
import type { TokenCache } from '../tokens.ts';
import { CsiNodeKeeper } from './csi-node.ts';
import { CsiVolumes } from './csi-volumes.ts';
import { DriverObjects } from './driver-objects.ts';
import { CsiDrivers } from './drivers.ts';
import { Expansion, type ExpansionPorts } from './expansion.ts';
import { CsiPlaces } from './places.ts';
import { SecretReader } from './secret-reader.ts';
import { VolumeStats } from './volume-stats.ts';
import { VolumeTurns } from './volume-turns.ts';
import { VolumesInUse } from './volumes-in-use.ts';

/** Who has plugins on this node. */
export interface PluginPorts {
  readonly sockets: () => Promise<PluginSocket[]>;
  readonly open: OpenSocket;
}

export interface CsiPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly nodeName: string;
  readonly rootDir: string;
  readonly folders: PodFolders;
  readonly tokens: TokenCache;
  /** Undefined: a simulated node, on which no plugin registers. */
  readonly plugins: PluginPorts | undefined;
  /** Whether files are given to groups. */
  readonly givesAway: boolean;
  readonly node: () => Node | undefined;
  /** Writes the node's status now. */
  readonly report: () => Promise<void>;
  readonly record: ExpansionPorts['record'];
}

export class Csi {
  readonly volumes: CsiVolumes;
  readonly expansion: Expansion;
  readonly stats: VolumeStats;
  readonly #ports: CsiPorts;
  readonly #drivers: CsiDrivers;
  readonly #csiNode: CsiNodeKeeper;
  readonly #inUse: VolumesInUse;
  readonly #objects: DriverObjects;

  /** Follows what it needs until `signal` aborts. */
  constructor(ports: CsiPorts, signal: AbortSignal) {
    this.#ports = ports;
    const { client, clock, random, log, nodeName, rootDir, folders, tokens, plugins } = ports;
    this.#csiNode = new CsiNodeKeeper({ client, clock, log, nodeName });
    this.#drivers = new CsiDrivers({ open: plugins?.open ?? noSocket, csiNode: this.#csiNode });
    const places = new CsiPlaces(rootDir, folders);
    this.#inUse = new VolumesInUse(places);
    this.#objects = new DriverObjects({ client, clock, random, log }, signal);
    const shared = { ...ports, drivers: this.#drivers, places, turns: new VolumeTurns(), secrets: new SecretReader(client) };
    this.expansion = new Expansion(shared);
    this.stats = new VolumeStats(shared);
    this.volumes = new CsiVolumes({
      ...shared,
      objects: this.#objects,
      inUse: this.#inUse,
      token: (pod, audience, seconds) => tokens.get(pod, audience, seconds),
    });
  }

  /** CSINode is there from the start; drivers enter it as they register. */
  start(signal: AbortSignal): void {
    const { plugins, clock, log } = this.#ports;
    void this.#csiNode.present(signal);
    if (plugins === undefined) return;
    this.#objects.follow();
    const registrar = new PluginRegistrar({ ...plugins, clock, log, handlers: { CSIPlugin: this.#drivers } });
    void registrar.run(signal);
  }

  /** For the node's status. Undefined where it is not known. */
  async volumesInUse(): Promise<readonly string[] | undefined> {
    try {
      return await this.#inUse.names();
    } catch (err) {
      this.#ports.log.warn({ err }, 'what volumes are in use here is not known');
      return undefined;
    }
  }

  /** The apiserver has been told these. */
  reported(names: readonly string[]): void {
    this.#inUse.reported(names);
  }

  /** Uids of pods that wait for the node's status to name a volume of theirs. */
  get waiting(): readonly string[] {
    return this.volumes.attachments.waiting;
  }
}

const noSocket: OpenSocket = (_, path) => {
  throw new Error(`nothing is known of a plugin at ${path}`);
};
