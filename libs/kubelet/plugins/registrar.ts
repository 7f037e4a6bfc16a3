// Plugins of this node: who has a socket in plugins_registry is asked who it is, taken or refused, told so, and given up when the
// socket is gone (pkg/kubelet/pluginmanager). Level-triggered: what is there now is compared with what was taken.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { RetryDelays } from './retry-delays.ts';
import type { OpenSocket, PluginService } from './socket-client.ts';
import type { PluginSocket } from './sockets.ts';

const registration: PluginService = {
  file: 'pluginregistration/v1/api.proto',
  name: 'pluginregistration.Registration',
};
const lookAgainMs = 1_000;
/** What a plugin says of itself it has to say at once (operationexecutor, GetInfo); connecting takes as long as ten of them. */
const infoTimeoutMs = 10_000;
/** Of a path in sockaddr_un. */
const socketPathMax = 107;
const versionsMax = 32;
const textMax = 256;

export interface PluginInfo {
  readonly type: string;
  readonly name: string;
  /** The socket at which it serves. */
  readonly endpoint: string;
  readonly versions: readonly string[];
}

/** What plugins of one type are taken by. */
export interface PluginHandler {
  /** Throws where it is refused; the text is told the plugin. */
  validate(info: PluginInfo): void;
  /** The same may come again, when its socket was made anew. */
  register(info: PluginInfo): Promise<void>;
  /** That socket serves no more; another one by that name may have been taken in its place. */
  deregister(info: PluginInfo): Promise<void>;
}

export interface RegistrarPorts {
  readonly sockets: () => Promise<PluginSocket[]>;
  readonly open: OpenSocket;
  readonly clock: Clock;
  readonly log: Log;
  /** By type. */
  readonly handlers: Readonly<Record<string, PluginHandler>>;
}

interface Known {
  readonly identity: string;
  /** Undefined until it is taken. */
  info: PluginInfo | undefined;
  isBusy: boolean;
}

export class PluginRegistrar {
  readonly #ports: RegistrarPorts;
  readonly #known = new Map<string, Known>();
  readonly #delays: RetryDelays;

  constructor(ports: RegistrarPorts) {
    this.#ports = ports;
    this.#delays = new RetryDelays(ports.clock);
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports;
    while (!signal.aborted) {
      await this.look().catch((err) => log.warn({ err }, 'the sockets of plugins cannot be listed'));
      await clock.sleep(lookAgainMs, signal).catch(() => {});
    }
  }

  /** One comparison. A plugin that hangs holds up no other: what it begins here goes on by itself. */
  async look(): Promise<void> {
    const present = new Map((await this.#ports.sockets()).map(({ path, identity }) => [path, identity]));
    for (const [path, known] of this.#known) {
      if (known.isBusy || present.get(path) === known.identity) continue;
      if (known.info === undefined) this.#forget(path);
      else void this.#withdraw(path, known, known.info);
    }
    for (const [path, identity] of present) {
      if (!this.#known.has(path)) this.#known.set(path, { identity, info: undefined, isBusy: false });
      const known = this.#known.get(path);
      if (known === undefined || known.isBusy || known.info !== undefined || known.identity !== identity) continue;
      if (this.#delays.remainingMs(path) === 0) void this.#introduce(path, known);
    }
  }

  #forget(path: string): void {
    this.#known.delete(path);
    this.#delays.succeeded(path);
  }

  async #withdraw(path: string, known: Known, gone: PluginInfo): Promise<void> {
    const { type, name } = gone;
    known.isBusy = true;
    try {
      await this.#ports.handlers[type]?.deregister(gone);
      this.#forget(path);
      // Another socket by that name may be its successor, or take its place now.
      for (const other of this.#known.values())
        if (other.info?.type === type && other.info.name === name) other.info = undefined;
      this.#ports.log.info({ plugin: name }, 'plugin deregistered');
    } catch (err) {
      this.#ports.log.warn({ err, plugin: name }, 'plugin not deregistered; trying again');
    } finally {
      known.isBusy = false;
    }
  }

  async #introduce(path: string, known: Known): Promise<void> {
    const { open, log, handlers } = this.#ports;
    known.isBusy = true;
    const socket = open(registration, path);
    try {
      const info = readInfo(await socket.call('GetInfo', {}, infoTimeoutMs), path);
      const handler = handlers[info.type];
      try {
        if (handler === undefined) throw new Error(`no handler registered for plugin type: ${info.type} at socket ${path}`);
        await worded('plugin validation', async () => handler.validate(info));
        await worded('plugin registration', () => handler.register(info));
      } catch (error) {
        const status = { plugin_registered: false, error: `RegisterPlugin error -- ${(error as Error).message}` };
        await socket.call('NotifyRegistrationStatus', status, infoTimeoutMs).catch(() => {});
        throw error;
      }
      known.info = info;
      this.#delays.succeeded(path);
      log.info({ plugin: info.name }, 'plugin registered');
      await socket
        .call('NotifyRegistrationStatus', { plugin_registered: true, error: '' }, infoTimeoutMs)
        .catch((err) => log.warn({ err, plugin: info.name }, 'the plugin does not listen to that it is registered'));
    } catch (err) {
      this.#delays.failed(path);
      log.warn({ err, socket: path }, 'plugin not registered; trying again');
    } finally {
      socket.close();
      known.isBusy = false;
    }
  }
}

async function worded(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`${what} failed with err: ${(error as Error).message}`, { cause: error });
  }
}

/** Throws where it says too much, or names no socket. */
function readInfo(answer: Record<string, unknown>, path: string): PluginInfo {
  const [type, name, endpoint] = [answer.type, answer.name, answer.endpoint].map(String) as [string, string, string];
  const versions = (answer.supported_versions as string[]).map(String);
  if ([type, name, ...versions].some((text) => text.length > textMax) || versions.length > versionsMax)
    throw new Error(`plugin at socket ${path} says more of itself than can be kept`);
  const socket = endpoint === '' ? path : endpoint.replace(/^unix:(\/\/)?/, '');
  if (!socket.startsWith('/') || socket.includes('\0') || Buffer.byteLength(socket) > socketPathMax)
    throw new Error(`plugin at socket ${path} names no socket: ${JSON.stringify(endpoint.slice(0, textMax))}`);
  return { type, name, endpoint: socket, versions };
}
