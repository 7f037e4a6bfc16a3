// Makes the store's data directories anew from a snapshot file, with the tool that belongs to the lab's store.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LabError } from './errors.ts';
import { machineFacts } from './machine/facts.ts';
import { ToolError, tool } from './machine/spawn.ts';
import { isOurs, nodeCommand, type ProcessSpec } from './programs/process-spec.ts';
import type { Topology } from './topology.ts';

/**
 * Clients that watched the lost store have seen revisions which the snapshot has not. The restored store counts on from far
 * beyond them, so that no revision is ever used twice; this is the distance that etcd's documentation recommends.
 */
export const revisionDistance = 1_000_000_000;

const restoredSuffix = '.restored';
/** Flags of a member that its restore must be told too. */
const sharedFlags = /^--(?:name|initial-cluster|initial-cluster-token|initial-advertise-peer-urls)=/;

export interface RestorePlan {
  /** Added to the snapshot's last revision. */
  readonly bump: number;
  /** The revision at which the restored store begins. */
  readonly revision: number;
}

/** `floor`: the revision at which a former restore has begun; 0 where there was none. */
export function planRestore(snapshotRevision: number, floor: number): RestorePlan {
  const revision = Math.max(snapshotRevision, floor) + revisionDistance;
  return { bump: revision - snapshotRevision, revision };
}

/** The last revision in the file. Throws LabError where it is no usable snapshot. */
export async function snapshotRevision(topology: Topology, member: ProcessSpec, file: string): Promise<number> {
  const output = await run([...toolOf(topology, member), 'snapshot', 'status', file, '--write-out=json'], file);
  return (JSON.parse(output) as { revision: number }).revision;
}

/** Makes every member's new data directory beside the old one, which is not touched. Throws LabError. */
export async function restoreBeside(
  topology: Topology,
  members: readonly ProcessSpec[],
  file: string,
  plan: RestorePlan,
): Promise<void> {
  for (const member of members) {
    const target = `${dataDirOf(member)}${restoredSuffix}`;
    rmSync(target, { recursive: true, force: true });
    const argv = [
      ...toolOf(topology, member),
      ...['snapshot', 'restore', file, `--data-dir=${target}`, `--bump-revision=${plan.bump}`, '--mark-compacted'],
      ...member.argv.filter((flag) => sharedFlags.test(flag)),
    ];
    await run(argv, file);
  }
}

/** Puts what `restoreBeside` made in the place of the old data. No member may run. */
export function takeRestored(members: readonly ProcessSpec[]): void {
  // All old data first: a command that dies in between must not leave old members and new ones to meet.
  for (const member of members) rmSync(dataDirOf(member), { recursive: true, force: true });
  for (const member of members) renameSync(`${dataDirOf(member)}${restoredSuffix}`, dataDirOf(member));
}

function dataDirOf(member: ProcessSpec): string {
  const prefix = '--data-dir=';
  const flag = member.argv.findLast((word) => word.startsWith(prefix));
  if (flag === undefined) throw new LabError('unsupported', `${member.name} has no data directory`);
  return flag.slice(prefix.length);
}

/** Our etcdutl for our store; for another program the `etcdutl` in the same folder. */
function toolOf(topology: Topology, member: ProcessSpec): string[] {
  const [program = ''] = member.argv;
  const machine = machineFacts();
  if (isOurs(topology, member.name, 'etcd'))
    return [...nodeCommand(machine, 'etcd'), join(topology.paths.repo, 'apps/etcdutl/main.ts')];
  const beside = join(dirname(program), 'etcdutl');
  if (existsSync(beside)) return [beside];
  throw new LabError('unsupported', `${member.name} runs ${program}, and there is no etcdutl beside it to restore its data`);
}

/** Runs etcdutl on a snapshot file; what it says is said of that file. */
async function run(argv: readonly string[], file: string): Promise<string> {
  try {
    return await tool(argv);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const reason = error.stderr.split('\n').find((line) => line.startsWith('Error: ')) ?? error.stderr;
    const text = reason.replace('Error: ', '').trim();
    throw new LabError('conflict', text.includes(file) ? text : `${file}: ${text}`);
  }
}
