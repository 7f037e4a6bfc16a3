// The lab as a user drives it: through the launcher and stock kubectl. One lab, in the fast profile, serves all files of the suite.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(repository, 'drydock');

/** Why the suite cannot run here, or undefined. */
export const e2eSkipReason =
  process.platform !== 'linux'
    ? 'needs Linux'
    : process.getuid?.() !== 0
      ? 'needs root for namespaces and containers'
      : undefined;

/** Apart from a user's own lab on the same machine. */
export const labName = 'e2e';
export const labFlags = ['--name', labName] as const;
export const echoImage = 'drydock/echo:1';

/** How long any single command may take. */
const commandTimeoutMs = 120_000;

/** Runs the launcher; never throws on a non-zero exit. */
export async function drydock(...args: string[]): Promise<{ exitCode: number | undefined; all: string }> {
  const { exitCode, all } = await execa(launcher, args, {
    all: true,
    reject: false,
    timeout: commandTimeoutMs,
    stdin: 'ignore',
  });
  return { exitCode, all };
}

/** Runs a verb on the suite's lab and throws, with everything it said, where it fails. */
export async function lab(verb: string, ...args: string[]): Promise<string> {
  const result = await drydock(verb, ...labFlags, ...args);
  if (result.exitCode !== 0) throw new Error(`drydock ${verb} ${args.join(' ')}: exit ${result.exitCode}\n${result.all}`);
  return result.all;
}

let environment: Record<string, string> | undefined;

/** KUBECONFIG and ETCDCTL_* of the lab, as `drydock env` prints them. */
export async function labEnvironment(): Promise<Record<string, string>> {
  if (environment === undefined) {
    const text = (await execa(launcher, ['env', ...labFlags])).stdout;
    environment = Object.fromEntries(
      [...text.matchAll(/^export (\w+)=(?:'([^']*)'|"([^"]*)"|(.*))$/gm)].map((match) => [
        match[1] ?? '',
        match[2] ?? match[3] ?? match[4] ?? '',
      ]),
    );
  }
  return environment;
}

/** Stock kubectl with the lab's credentials; throws where it fails. */
export async function kubectl(...args: string[]): Promise<string> {
  const result = await execa('kubectl', args, { env: await labEnvironment(), timeout: commandTimeoutMs, stdin: 'ignore' });
  return result.stdout;
}

/** `kubectl apply` of objects, in a namespace; gives what it said. */
export async function applyObjects(namespace: string, ...items: object[]): Promise<string> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const env = await labEnvironment();
  return (await execa('kubectl', ['-n', namespace, 'apply', '-f', '-'], { env, timeout: commandTimeoutMs, input })).stdout;
}

/** The same for another lab than the suite's. */
export async function kubectlWith(kubeconfig: string, ...args: string[]): Promise<string> {
  return (await execa('kubectl', ['--kubeconfig', kubeconfig, ...args], { timeout: commandTimeoutMs, stdin: 'ignore' })).stdout;
}

export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

/** Runs a command with the lab's environment and gives what it printed, whatever its status. */
export async function tryCommand(program: string, ...args: string[]): Promise<string> {
  const env = await labEnvironment();
  return (await execa(program, args, { env, all: true, reject: false, timeout: commandTimeoutMs, stdin: 'ignore' })).all;
}

/** Waits for a condition; the error names it and what was seen last. */
export async function until(what: string, condition: () => Promise<boolean | string>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      last = await condition();
      if (last === true) return;
    } catch (error) {
      last = error;
    }
    await sleep(200);
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}; last: ${last instanceof Error ? last.message : String(last)}`);
}

/** An application of echo pods behind a NodePort Service of the same name. */
export async function deployEcho(
  namespace: string,
  name: string,
  replicas: number,
): Promise<{ nodePort: number; clusterIP: string }> {
  await kubectl('-n', namespace, 'create', 'deployment', name, `--image=${echoImage}`, `--replicas=${replicas}`, '--port=8080');
  await kubectl('-n', namespace, 'expose', `deployment/${name}`, '--type=NodePort', '--port=80', '--target-port=8080');
  await kubectl('-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=60s');
  const service = await kubectlJson<{ spec: { clusterIP: string; ports: { nodePort: number }[] } }>(
    '-n',
    namespace,
    'get',
    'service',
    name,
  );
  return { nodePort: service.spec.ports[0]?.nodePort ?? 0, clusterIP: service.spec.clusterIP };
}

export interface PodSummary {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly deleting: boolean;
}

export async function podsOf(namespace: string, selector: string): Promise<PodSummary[]> {
  interface Pods {
    items: {
      metadata: { name: string; uid: string; deletionTimestamp?: string };
      spec: { nodeName?: string };
      status: {
        podIP?: string;
        conditions?: { type: string; status: string }[];
        containerStatuses?: { restartCount: number }[];
      };
    }[];
  }
  const { items } = await kubectlJson<Pods>('-n', namespace, 'get', 'pods', '-l', selector);
  return items.map((pod) => ({
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    node: pod.spec.nodeName ?? '',
    ip: pod.status.podIP ?? '',
    ready: pod.status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
    restarts: pod.status.containerStatuses?.reduce((sum, status) => sum + status.restartCount, 0) ?? 0,
    deleting: pod.metadata.deletionTimestamp !== undefined,
  }));
}

/** The address of a node. */
export async function nodeAddress(name: string): Promise<string> {
  return await kubectl('get', 'node', name, '-o', 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}');
}

/** Asks `url` every `periodMs` until stopped, and remembers what failed. */
export class Probe {
  readonly failures: string[] = [];
  answers = 0;
  readonly #url: string;
  readonly #periodMs: number;
  #running = true;
  readonly #done: Promise<void>;

  constructor(url: string, periodMs: number) {
    this.#url = url;
    this.#periodMs = periodMs;
    this.#done = this.#loop();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #loop(): Promise<void> {
    const started = performance.now();
    while (this.#running) {
      const at = Math.round(performance.now() - started);
      try {
        // A connection of its own each time: a kept one would not meet the Service's rules again.
        const response = await fetch(this.#url, { signal: AbortSignal.timeout(2_000), headers: { connection: 'close' } });
        await response.text();
        if (response.ok) this.answers++;
        else this.failures.push(`${at} ms: status ${response.status}`);
      } catch (error) {
        this.failures.push(
          `${at} ms: ${error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : String(error)}`,
        );
      }
      await sleep(this.#periodMs);
    }
  }
}

/**
 * Starts the schedulers and controller managers that have ended. One that loses its lease ends itself, as upstream's do, and there
 * is no supervisor in a lab: after an outage of the store or the apiservers the active ones are gone.
 */
export async function startElected(): Promise<void> {
  const managers = ['controller-manager-1', 'controller-manager-2', 'cloud-controller-manager-1'];
  for (const name of ['scheduler-1', 'scheduler-2', ...managers]) await lab('start', name);
}

/** Whether the launcher's folder for the suite's lab exists. */
export function labFolderExists(): boolean {
  return existsSync(join(repository, '.drydock', labName));
}
