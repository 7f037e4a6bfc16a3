// What kube-proxy sets once, at its start: limits of connection tracking, and its own place in the kernel's order of victims.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { spawnSync } from '@drydock/foundation/child-process.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { type ConntrackSettings, conntrackWrites } from '@drydock/proxy/conntrack-settings.ts';

const folder = '/proc/sys/net/netfilter';

function read(name: string): number | undefined {
  try {
    return Number(readFileSync(`${folder}/${name}`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Writes what differs; what cannot be written is warned of, as a network namespace may not be allowed all of it. */
export function setConntrack(settings: ConntrackSettings, log: Log): void {
  for (const [name, value] of conntrackWrites(settings, availableParallelism(), read)) {
    const { status, stderr } = spawnSync('sysctl', ['-qw', `net.netfilter.${name}=${value}`], { encoding: 'utf8' });
    if (status !== 0) log.warn({ name, value, problem: (stderr ?? 'sysctl cannot be run').trim() }, 'conntrack was not set');
  }
}

export function setOomScore(adjustment: number, log: Log): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(adjustment));
  } catch (err) {
    log.debug({ err }, 'oom-score-adj was not applied');
  }
}
