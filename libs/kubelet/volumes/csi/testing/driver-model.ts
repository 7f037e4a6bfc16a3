// What a CSI driver does with volumes, for tests: a mount is a folder. It holds its callers to what CSI demands of them, and notes
// where they do not keep to it.
import { existsSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Message, PluginError } from '../../../plugins/socket-client.ts';

export interface NodeCall {
  readonly method: string;
  readonly request: Message;
}

const answers: Readonly<Record<string, true>> = {
  NodeStageVolume: true,
  NodeUnstageVolume: true,
  NodePublishVolume: true,
  NodeUnpublishVolume: true,
  NodeExpandVolume: true,
  NodeGetVolumeStats: true,
};

export class DriverModel {
  capabilities: readonly string[] = ['STAGE_UNSTAGE_VOLUME'];
  info: Message = { node_id: 'id-1', max_volumes_per_node: '5', accessible_topology: null };
  /** Of every volume. */
  stats: Message = { usage: [], volume_condition: null };
  /** Of volumes, oldest first. */
  readonly calls: NodeCall[] = [];
  /** Staging path by volume. */
  readonly staged = new Map<string, string>();
  /** Volume by target path. */
  readonly published = new Map<string, string>();
  /** What callers did that CSI forbids. */
  readonly faults: string[] = [];
  /** By method: what it answers instead of doing anything. */
  readonly failures = new Map<string, Error>();
  /** Before a target goes. */
  unpublishing: (path: string) => void = () => {};

  async call(method: string, request: Message): Promise<Message> {
    if (answers[method]) this.calls.push({ method, request });
    const failure = this.failures.get(method);
    if (failure !== undefined) throw failure;
    const volume = String(request.volume_id);
    const staging = request.staging_target_path as string | undefined;
    const target = request.target_path as string;
    switch (method) {
      case 'NodeGetInfo':
        return this.info;
      case 'NodeGetCapabilities':
        return { capabilities: this.capabilities.map((type) => ({ rpc: { type } })) };
      case 'NodeStageVolume':
        return this.#stage(volume, staging ?? '');
      case 'NodeUnstageVolume':
        return this.#unstage(volume);
      case 'NodePublishVolume':
        return this.#publish(volume, staging ?? '', target);
      case 'NodeUnpublishVolume':
        return this.#unpublish(target);
      case 'NodeExpandVolume':
        return this.#atPlace(request, { capacity_bytes: '0' });
      case 'NodeGetVolumeStats':
        return this.#atPlace(request, this.stats);
      default:
        throw new PluginError('Unimplemented', `unknown method ${method}`);
    }
  }

  #stage(volume: string, path: string): Message {
    const before = this.staged.get(volume);
    if (before !== undefined && before !== path) this.faults.push(`${volume} is staged at ${before} and ${path}`);
    if (!existsSync(path)) this.faults.push(`${volume} is staged where nothing is: ${path}`);
    this.staged.set(volume, path);
    return {};
  }

  #unstage(volume: string): Message {
    if ([...this.published.values()].includes(volume)) this.faults.push(`${volume} is unstaged while it is published`);
    this.staged.delete(volume);
    return {};
  }

  #publish(volume: string, staging: string, target: string): Message {
    if (staging !== '' && this.staged.get(volume) !== staging) {
      this.faults.push(`${volume} is published from where it is not staged`);
      throw new PluginError('FailedPrecondition', 'not staged');
    }
    if (!existsSync(dirname(target))) this.faults.push(`${volume} is published where nothing is: ${target}`);
    mkdirSync(target, { recursive: true });
    this.published.set(target, volume);
    return {};
  }

  #unpublish(target: string): Message {
    if (this.published.has(target)) this.unpublishing(target);
    this.published.delete(target);
    if (existsSync(target)) rmdirSync(target);
    return {};
  }

  #atPlace({ volume_id: volume, volume_path: path }: Message, answer: Message): Message {
    if (this.published.get(String(path)) === volume) return answer;
    throw new PluginError('NotFound', `${String(volume)} is not at ${String(path)}`);
  }

  /** As a reboot leaves it. */
  reboot(): void {
    this.staged.clear();
    for (const target of this.published.keys()) rmSync(target, { recursive: true, force: true });
    this.published.clear();
  }
}
