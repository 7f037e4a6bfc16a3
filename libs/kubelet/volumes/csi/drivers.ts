// The CSI drivers of this node, taken as plugins register (pkg/volume/csi, RegistrationHandler).
import { dns1123SubdomainErrors, labelLengthMax } from '@drydock/api/names.ts';
import type { PluginHandler, PluginInfo } from '../../plugins/registrar.ts';
import type { Message, OpenSocket, PluginService } from '../../plugins/socket-client.ts';
import type { CsiNodeKeeper } from './csi-node.ts';
import type { DriverOnNode } from './node-plan.ts';

export const nodeService: PluginService = { file: 'csi/v1/csi.proto', name: 'csi.v1.Node' };

/** Of every call to a driver (csiTimeout). */
export const callTimeoutMs = 120_000;
/** Of what a driver answers is kept in objects of the cluster. */
const topologyKeysMax = 64;
const nodeIdBytesMax = 256;

export interface DriversPorts {
  readonly open: OpenSocket;
  readonly csiNode: Pick<CsiNodeKeeper, 'install' | 'uninstall'>;
}

export class CsiDrivers implements PluginHandler {
  readonly #ports: DriversPorts;
  /** The socket of each that was taken, by name. */
  readonly #endpoints = new Map<string, string>();

  constructor(ports: DriversPorts) {
    this.#ports = ports;
  }

  /** The socket at which the driver serves. Throws, in upstream's words, where it is not registered. */
  endpoint(name: string): string {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return endpoint;
  }

  validate({ name, endpoint, versions }: PluginInfo): void {
    const failed = (why: string) =>
      new Error(
        `validation failed for CSI Driver ${name} at endpoint ${endpoint}: kubernetes.io/csi: ValidatePlugin for CSI driver ${JSON.stringify(name)} failed. ${why}`,
      );
    if (!isDriverName(name)) throw failed('It is not the name of a CSI driver');
    if (versions.length === 0) throw failed('Plugin returned an empty list for supported versions');
    if (versions.some((version) => /^v?1(\.\d+)*$/.test(version))) return;
    const list = `[${versions.map((version) => JSON.stringify(version)).join(' ')}]`;
    const err = `could not find a highest supported version for versions (${versions.join(', ')})`;
    throw failed(`None of the versions specified ${list} are supported. err=${err}`);
  }

  async register({ name, endpoint }: PluginInfo): Promise<void> {
    const socket = this.#ports.open(nodeService, endpoint);
    try {
      const said = readNodeInfo(name, await socket.call('NodeGetInfo', {}, callTimeoutMs));
      await this.#ports.csiNode.install(said);
      this.#endpoints.set(name, endpoint);
    } catch (error) {
      // Upstream gives up one that was there before, too: it no longer says on which node it is.
      this.#endpoints.delete(name);
      throw error;
    } finally {
      socket.close();
    }
  }

  async deregister(name: string): Promise<void> {
    this.#endpoints.delete(name);
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
