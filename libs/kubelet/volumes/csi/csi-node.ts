// Keeps what the cluster knows of this node's CSI drivers: the CSINode object, and the node's labels and annotation.
import type { CSINode } from '@drydock/api/generated/types.ts';
import { csiNodes, nodes } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import {
  type DriverOnNode,
  emptyCsiNode,
  type NodeChange,
  nodeWithDriver,
  nodeWithoutDriver,
  withDriver,
  withoutDriver,
} from './node-plan.ts';

const presentRetryMs = 1_000;
/** Others write the same objects; each try reads them anew. */
const triesMax = 4;

export interface CsiNodePorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
}

export class CsiNodeKeeper {
  readonly #ports: CsiNodePorts;
  /** The end of the line: one change at a time, for all drivers write the same objects. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: CsiNodePorts) {
    this.#ports = ports;
  }

  /** Sees to it that the object is there, before any driver is; tries until it is, for the node has to be there first. */
  async present(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports;
    for (let said = ''; !signal.aborted; ) {
      try {
        await this.#inLine(() => this.#csiNode());
        return;
      } catch (err) {
        const { message } = err as Error;
        if (message !== said && !signal.aborted) log.info({ err }, 'CSINode is not yet initialized');
        said = message;
        await clock.sleep(presentRetryMs, signal).catch(() => {});
      }
    }
  }

  /** Throws, in upstream's words, where the driver cannot be noted; nothing of it counts then. */
  async install(driver: DriverOnNode): Promise<void> {
    if (driver.nodeId === '') throw new Error('error adding CSI driver node info: driverNodeID must not be empty');
    await this.#inLine(async () => {
      await again('error updating Node object with CSI driver node info: error updating node', () =>
        this.#changeNode((node) => nodeWithDriver(node, driver)),
      );
      await again('error updating CSINode object with CSI driver node info: error updating CSINode', async () => {
        const wanted = withDriver(await this.#csiNode(), driver);
        if (wanted !== undefined) await this.#ports.client.update(csiNodes, wanted);
      });
    });
  }

  async uninstall(driver: string): Promise<void> {
    await this.#inLine(async () => {
      await again('error uninstalling CSI driver from CSINode object error updating CSINode', async () => {
        const present = await this.#read();
        const wanted = present === undefined ? undefined : withoutDriver(present, driver);
        if (wanted !== undefined) await this.#ports.client.update(csiNodes, wanted);
      });
      await again('error removing CSI driver node info from Node object error updating node', () =>
        this.#changeNode((node) => nodeWithoutDriver(node, driver)),
      );
    });
  }

  async #changeNode(plan: (node: Parameters<typeof nodeWithDriver>[0]) => NodeChange | undefined): Promise<void> {
    const { client, nodeName: name } = this.#ports;
    const metadata = plan(await client.get(nodes, { name }));
    if (metadata !== undefined) await client.patch(nodes, { name }, { type: 'merge', body: { metadata } });
  }

  /** As it is; made where it is missing. */
  async #csiNode(): Promise<CSINode> {
    const { client, nodeName: name } = this.#ports;
    return (await this.#read()) ?? client.create(csiNodes, emptyCsiNode(name, await this.#nodeUid()));
  }

  async #nodeUid(): Promise<string> {
    return (await this.#ports.client.get(nodes, { name: this.#ports.nodeName })).metadata?.uid ?? '';
  }

  async #read(): Promise<CSINode | undefined> {
    try {
      return await this.#ports.client.get(csiNodes, { name: this.#ports.nodeName });
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

async function again(what: string, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === triesMax)
        throw new Error(`${what}: timed out waiting for the condition; caused by: ${(error as Error).message}`, {
          cause: error,
        });
    }
  }
}
