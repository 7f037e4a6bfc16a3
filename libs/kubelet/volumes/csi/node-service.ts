// The Node service of a CSI driver, as far as volumes are mounted by it (pkg/volume/csi, csi_client.go).
import {
  type Message,
  type OpenSocket,
  PluginError,
  type PluginService,
  type SocketClient,
} from '../../plugins/socket-client.ts';
import type { Capabilities } from './requests.ts';

export const nodeService: PluginService = { file: 'csi/v1/csi.proto', name: 'csi.v1.Node' };

/** Of every call to a driver (csiTimeout). */
export const callTimeoutMs = 120_000;

export class NodeService {
  readonly #socket: SocketClient;

  constructor(open: OpenSocket, endpoint: string) {
    this.#socket = open(nodeService, endpoint);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async capabilities(): Promise<Capabilities> {
    const { capabilities } = await this.#call('NodeGetCapabilities', {});
    const list = capabilities as { readonly rpc?: { readonly type?: string } | null }[];
    return new Set(list.flatMap(({ rpc }) => (rpc?.type === undefined ? [] : [rpc.type])));
  }

  async stage(request: Message): Promise<void> {
    await this.#call('NodeStageVolume', request);
  }

  async unstage(volumeId: string, path: string): Promise<void> {
    await this.#call('NodeUnstageVolume', { volume_id: volumeId, staging_target_path: path });
  }

  async publish(request: Message): Promise<void> {
    await this.#call('NodePublishVolume', request);
  }

  async unpublish(volumeId: string, path: string): Promise<void> {
    await this.#call('NodeUnpublishVolume', { volume_id: volumeId, target_path: path });
  }

  async expand(request: Message): Promise<void> {
    await this.#call('NodeExpandVolume', request);
  }

  /** As csi.v1.VolumeUsage. */
  async usage(volumeId: string, path: string): Promise<Message[]> {
    const { usage } = await this.#call('NodeGetVolumeStats', { volume_id: volumeId, volume_path: path });
    return usage as Message[];
  }

  #call(method: string, request: Message): Promise<Message> {
    return this.#socket.call(method, request, callTimeoutMs);
  }
}

const mayGoOn = new Set(['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted']);

/** Whether what was asked has not been done and is not being done; what else failed than a call of the driver may be. */
export function isFinal(error: unknown): boolean {
  return error instanceof PluginError && !mayGoOn.has(error.code);
}
