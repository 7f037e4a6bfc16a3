// What a lab is doing, read from /proc and by asking each process itself: it works with everything dead.
import { get } from 'node:http';
import { lastWords, shorten } from './machine/last-words.ts';
import { containerLog, hasManifest } from './machine/manifest-files.ts';
import { probeOnce } from './machine/probe.ts';
import { type ProcessId, viewRecorded } from './machine/proc.ts';
import { describePartition } from './net/partition.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { workerFolders } from './programs/worker.ts';
import type { LabState } from './state.ts';
import { membersOf, nodesOf, portOf, processName, type Topology } from './topology.ts';

export interface ProcessStatus {
  readonly name: string;
  readonly program: string;
  readonly member: string;
  /** `unhealthy`: alive, but it does not serve. */
  readonly state: 'running' | 'unhealthy' | 'paused' | 'dead' | 'never started';
  readonly pid: number | undefined;
  readonly address: string;
  readonly rssBytes: number;
  /** `leader` for the member of the store that leads. */
  readonly role: string;
  /** Why it is dead or unhealthy, as far as can be told; empty where it runs. */
  readonly reason: string;
}

export interface LabStatus {
  readonly processes: readonly ProcessStatus[];
  readonly partitions: readonly string[];
  /** What follows for the whole lab, as a store without a quorum. */
  readonly notes: readonly string[];
  /** By node: the folder whose manifests its kubelet runs. */
  readonly manifests: Readonly<Record<string, string>>;
  readonly totalRssBytes: number;
}

const askTimeoutMs = 700;
const metricsLimitBytes = 4 * 1024 * 1024;

export async function statusOf(
  topology: Topology,
  state: LabState,
  specs: readonly ProcessSpec[],
  nowMs: number,
): Promise<LabStatus> {
  const leaders = new Set(
    (
      await Promise.all(
        membersOf(topology, 'etcd').map(async (member) =>
          (await leads(member.address, portOf(topology, member, 'etcd-metrics'))) ? processName('etcd', member) : '',
        ),
      )
    ).filter((name) => name !== ''),
  );
  const processes = await Promise.all(
    specs.map(async (spec): Promise<ProcessStatus> => {
      const recorded = state.processes[spec.name];
      const view = recorded === undefined ? undefined : viewRecorded(recorded);
      const base = { name: spec.name, program: spec.program, member: spec.member.name, address: spec.address };
      if (recorded === undefined || view === undefined) {
        const gone = { ...base, pid: undefined, rssBytes: 0, role: '' };
        if (recorded === undefined) return { ...gone, state: 'never started', reason: '' };
        return { ...gone, state: 'dead', reason: whyDead(topology.paths.dir, spec, recorded, nowMs) };
      }
      const alive = {
        ...base,
        pid: recorded.pid,
        rssBytes: view.rssBytes,
        role: leaders.has(spec.name) ? 'leader' : '',
        reason: '',
      };
      if (view.state === 'stopped') return { ...alive, state: 'paused' };
      const reason = await probeOnce(spec.probe, askTimeoutMs);
      return reason === undefined ? { ...alive, state: 'running' } : { ...alive, state: 'unhealthy', reason: shorten(reason) };
    }),
  );
  return {
    processes,
    partitions: state.partitions.map(describePartition),
    notes: notesOn(processes),
    manifests: Object.fromEntries(nodesOf(topology).map((node) => [node.name, workerFolders(topology, node).manifests])),
    totalRssBytes: processes.reduce((sum, entry) => sum + entry.rssBytes, 0),
  };
}

function whyDead(dir: string, { name, staticPod }: ProcessSpec, id: ProcessId, nowMs: number): string {
  if (staticPod !== undefined && !hasManifest(staticPod)) return `no manifest: ${staticPod.file} is not there`;
  return lastWords(dir, name, id, nowMs, staticPod === undefined ? undefined : containerLog(staticPod));
}

function notesOn(processes: readonly ProcessStatus[]): string[] {
  const members = processes.filter((entry) => entry.program === 'etcd');
  const alive = members.filter((entry) => entry.state === 'running' || entry.state === 'unhealthy');
  const quorum = Math.floor(members.length / 2) + 1;
  if (alive.length >= quorum) return [];
  return [
    `the store has no quorum: ${alive.length} of ${members.length} members live, ${quorum} are needed; nothing can be written, and schedulers and controller-managers that lead end themselves when they cannot renew`,
  ];
}

/** Whether the member of the store says that it leads (metric etcd_server_is_leader, as upstream's). */
function leads(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = get({ host, port, path: '/metrics', timeout: askTimeoutMs, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > metricsLimitBytes) ask.destroy();
      });
      response.once('end', () => resolve(/^etcd_server_is_leader 1$/m.test(text)));
      response.once('error', () => resolve(false));
    });
    ask.once('timeout', () => ask.destroy());
    ask.once('error', () => resolve(false));
    ask.once('close', () => resolve(false));
  });
}
