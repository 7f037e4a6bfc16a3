// The CSI drivers of this node, taken as plugins register (pkg/volume/csi, RegistrationHandler).
import { dns1123SubdomainErrors, labelLengthMax } from '@drydock/api/names.ts';
import type { PluginHandler, PluginInfo } from '../../plugins/registrar.ts';
import type { Message, OpenSocket } from '../../plugins/socket-client.ts';
import type { CsiNodeKeeper } from './csi-node.ts';
import type { DriverOnNode } from './node-plan.ts';
import { callTimeoutMs, NodeService, nodeService } from './node-service.ts';
import { highestSupported, isLess, versionText } from './versions.ts';

/** Of what a driver answers is kept in objects of the cluster. */
const topologyKeysMax = 64;
const nodeIdBytesMax = 256;

export interface DriversPorts {
  readonly open: OpenSocket;
  readonly csiNode: Pick<CsiNodeKeeper, 'install' | 'uninstall'>;
}

interface Taken {
  /** The socket at which it serves. */
  readonly endpoint: string;
  readonly version: readonly number[];
}

export class CsiDrivers implements PluginHandler {
  readonly #ports: DriversPorts;
  readonly #taken = new Map<string, Taken>();

  constructor(ports: DriversPorts) {
    this.#ports = ports;
  }

  /** Dispose of it. Throws, in upstream's words, where the driver is not registered. */
  service(name: string): NodeService {
    return new NodeService(this.#ports.open, this.endpoint(name));
  }

  /** The socket at which the driver serves. Throws as `service`. */
  endpoint(name: string): string {
    const taken = this.#taken.get(name);
    if (taken === undefined) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return taken.endpoint;
  }

  validate({ name, endpoint, versions }: PluginInfo): void {
    const failed = (why: string) =>
      new Error(
        `validation failed for CSI Driver ${name} at endpoint ${endpoint}: kubernetes.io/csi: ValidatePlugin for CSI driver ${JSON.stringify(name)} failed. ${why}`,
      );
    if (!isDriverName(name)) throw failed('It is not the name of a CSI driver');
    if (versions.length === 0) throw failed('Plugin returned an empty list for supported versions');
    const highest = highestSupported(versions);
    if (typeof highest === 'string') {
      const list = `[${versions.map((version) => JSON.stringify(version)).join(' ')}]`;
      throw failed(`None of the versions specified ${list} are supported. err=${highest}`);
    }
    const taken = this.#taken.get(name);
    if (taken === undefined || taken.endpoint === endpoint || isLess(taken.version, highest)) return;
    const version = JSON.stringify(versionText(taken.version));
    throw failed(`Another driver with the same name is already registered with a higher supported version: ${version}`);
  }

  async register({ name, endpoint, versions }: PluginInfo): Promise<void> {
    const socket = this.#ports.open(nodeService, endpoint);
    try {
      const said = readNodeInfo(name, await socket.call('NodeGetInfo', {}, callTimeoutMs));
      await this.#ports.csiNode.install(said);
      const version = highestSupported(versions);
      this.#taken.set(name, { endpoint, version: typeof version === 'string' ? [] : version });
    } catch (error) {
      // Upstream gives up one that was there before, too: it no longer says on which node it is.
      this.#taken.delete(name);
      throw error;
    } finally {
      socket.close();
    }
  }

  async deregister({ name, endpoint }: PluginInfo): Promise<void> {
    const taken = this.#taken.get(name);
    if (taken !== undefined && taken.endpoint !== endpoint) return;
    this.#taken.delete(name);
    await this.#ports.csiNode.uninstall(name);
  }
}

/** As a CSIDriver object is called: it becomes part of paths. */
function isDriverName(name: string): boolean {
  return name.length <= labelLengthMax && dns1123SubdomainErrors(name.toLowerCase()).length === 0;
}

/** Throws where it says more than can be kept. */
function readNodeInfo(name: string, answer: Message): DriverOnNode {
  const topology = ((answer.accessible_topology as Message | null)?.segments ?? {}) as Record<string, string>;
  const nodeId = String(answer.node_id);
  if (Buffer.byteLength(nodeId) > nodeIdBytesMax || Object.keys(topology).length > topologyKeysMax)
    throw new Error(`driver ${name} says more of its node than can be kept`);
  return { name, nodeId, volumesMax: Number(answer.max_volumes_per_node), topology };
}
