// What a lab is doing, read from /proc and by asking each process itself: it works with everything dead.
import { get } from 'node:http';
import { probeOnce } from './machine/probe.ts';
import { viewRecorded } from './machine/proc.ts';
import { describePartition } from './net/partition.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import type { LabState } from './state.ts';
import { membersOf, portOf, type Topology } from './topology.ts';

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
}

export interface LabStatus {
  readonly processes: readonly ProcessStatus[];
  readonly partitions: readonly string[];
  readonly totalRssBytes: number;
}

const askTimeoutMs = 700;
const metricsLimitBytes = 4 * 1024 * 1024;

export async function statusOf(topology: Topology, state: LabState, specs: readonly ProcessSpec[]): Promise<LabStatus> {
  const leaders = new Set(
    (
      await Promise.all(
        membersOf(topology, 'etcd').map(async (member) =>
          (await leads(member.address, portOf(topology, member, 'etcd-metrics'))) ? member.name : '',
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
        return { ...base, state: recorded === undefined ? 'never started' : 'dead', pid: undefined, rssBytes: 0, role: '' };
      }
      const alive = { ...base, pid: recorded.pid, rssBytes: view.rssBytes, role: leaders.has(spec.name) ? 'leader' : '' };
      if (view.state === 'stopped') return { ...alive, state: 'paused' };
      return { ...alive, state: (await probeOnce(spec.probe, askTimeoutMs)) === undefined ? 'running' : 'unhealthy' };
    }),
  );
  return {
    processes,
    partitions: state.partitions.map(describePartition),
    totalRssBytes: processes.reduce((sum, entry) => sum + entry.rssBytes, 0),
  };
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
