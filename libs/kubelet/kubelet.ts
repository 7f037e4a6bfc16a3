// The kubelet put together from its parts. The order of reading: pod/plan-pod.ts, pod/pod-worker.ts, pod/pod-manager.ts.
import { readFileSync } from 'node:fs';
import { pods, services } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { EventRecorder } from '@drydock/client/events.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { KubeletConfig } from './config.ts';
import { Cgroups } from './container/cgroups.ts';
import { parseResolvConf } from './container/sandbox-config.ts';
import type { ContainerEngine } from './engine/engine.ts';
import { type MachineFacts, NodeAgent } from './node/node-agent.ts';
import { BackoffTable } from './pod/backoff.ts';
import { PodManager } from './pod/pod-manager.ts';
import { PodRuntime } from './pod/pod-runtime.ts';
import { StatusWriter } from './pod/status-writer.ts';
import { Handlers } from './probes/handlers.ts';
import { Prober, probeFailureText } from './probes/prober.ts';
import { ReferenceCache } from './volumes/references.ts';
import { TokenCache } from './volumes/tokens.ts';
import { Volumes } from './volumes/volumes.ts';

/** The engine has been silent for longer than this: the node is not ready (pkg/kubelet/pleg, relist threshold). */
const silentEngineMs = 180_000;

export interface KubeletPorts {
  readonly config: KubeletConfig;
  readonly client: ApiClient;
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly facts: MachineFacts;
}

export class Kubelet implements Service {
  readonly name = 'kubelet';
  readonly #ports: KubeletPorts;
  readonly #stop = new AbortController();
  readonly #recorder: EventRecorder;
  #manager: PodManager | undefined;
  #references: ReferenceCache | undefined;
  #node: NodeAgent | undefined;

  constructor(ports: KubeletPorts) {
    this.#ports = ports;
    const { client, clock, log, config } = ports;
    this.#recorder = new EventRecorder({ client, clock, log, component: 'kubelet', host: config.nodeName });
  }

  get manager(): PodManager {
    if (this.#manager === undefined) throw new Error('the kubelet has not been started');
    return this.#manager;
  }

  async start(): Promise<void> {
    const { config, client, engine, clock, random, log, facts } = this.#ports;
    const version = await this.#engineVersion();
    const factory = new InformerFactory({ client, clock, random, log });
    const podInformer = factory.of(pods, { fieldSelector: `spec.nodeName=${config.nodeName}` });
    const serviceInformer = factory.of(services);
    factory.start(this.#stop.signal);
    const handlers = new Handlers(engine, clock);
    const references = new ReferenceCache({ client, clock, random, log }, (uid) => this.#manager?.wake(uid));
    this.#references = references;
    const volumes = new Volumes(config.rootDir);
    const backoff = new BackoffTable();
    const runtime = new PodRuntime({
      engine,
      clock,
      recorder: this.#recorder,
      references,
      handlers,
      imageBackoff: new BackoffTable(),
      services: () => serviceInformer.list(),
      podFolder: (uid) => volumes.podFolder(uid),
      podLogsDir: config.podLogsDir,
      clusterDomain: config.clusterDomain,
      memoryCapacity: facts.memoryBytes,
    });
    const prober = new Prober({
      clock,
      random: random.stream('prober'),
      handlers,
      changed: (uid) => this.#manager?.wake(uid),
      failed: (pod, container, kind, output) =>
        runtime.event(pod, 'Warning', 'Unhealthy', probeFailureText(kind, output), container),
    });
    const hollow = config.endpoint.startsWith('hollow://');
    this.#manager = new PodManager({
      client,
      informer: podInformer,
      engine,
      clock,
      log,
      runtime,
      prober,
      backoff,
      volumes,
      references,
      tokens: new TokenCache(client, clock),
      cgroups: hollow ? undefined : new Cgroups(config.cgroupRoot),
      statuses: new StatusWriter(client, clock, log),
      engineName: version.name,
      facts: {
        nodeName: config.nodeName,
        hostIp: config.nodeIp,
        allocatable: {
          cpu: String(facts.cpus),
          memory: String(facts.memoryBytes),
          'ephemeral-storage': String(facts.storageBytes),
        },
      },
      settings: {
        clusterDomain: config.clusterDomain,
        clusterDns: config.clusterDns,
        hostDns: parseResolvConf(readHostDns(config.resolvConf)),
        podLogsDir: config.podLogsDir,
      },
    });
    this.#node = this.#makeNode(`${version.name}://${version.version}`, this.#manager);
    this.#node.start();
    await Promise.all([podInformer.synced(), serviceInformer.synced()]);
    this.#manager.start();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#node?.stop();
    this.#manager?.stop();
    this.#references?.stop();
    await this.#recorder.stop();
    this.#ports.client.close();
    this.#ports.engine.close();
  }

  async #engineVersion(): Promise<{ name: string; version: string }> {
    const { engine, clock, log } = this.#ports;
    for (;;) {
      try {
        return await engine.version();
      } catch (err) {
        log.warn({ err }, 'waiting for the container engine');
        await clock.sleep(1000, this.#stop.signal);
      }
    }
  }

  #makeNode(engineVersion: string, manager: PodManager): NodeAgent {
    const { config, client, engine, clock, log, facts } = this.#ports;
    return new NodeAgent(client, clock, log, {
      name: config.nodeName,
      ip: config.nodeIp,
      facts,
      labels: config.labels,
      taints: config.taints,
      port: config.port,
      agentPort: config.agentPort,
      maxPods: config.maxPods,
      statusPeriodMs: config.statusPeriodMs,
      leaseSeconds: config.leaseSeconds,
      engineVersion,
      problems: async () => {
        const silentMs = clock.monotonicMs() - manager.lastRelistMs;
        if (Number.isFinite(silentMs) && silentMs > silentEngineMs)
          return [`PLEG is not healthy: pleg was last seen active ${Math.round(silentMs / 1000)}s ago`];
        try {
          return (await engine.status()).problems;
        } catch (error) {
          return [`container runtime is down: ${(error as Error).message}`];
        }
      },
      images: () => engine.images(),
    });
  }
}

function readHostDns(path: string): string {
  return path === '' ? '' : readFileSync(path, 'utf8');
}
