// Takes and gives back what is a lab's: its name, its folder, its ranges and ports, and the records that say so.
import { completeConfig, defaultConfig, type LabConfig, portsNeeded } from './config.ts';
import { LabError } from './errors.ts';
import type { LabContext } from './lab-context.ts';
import { machineFacts, ownUser } from './machine/facts.ts';
import { makeFolder } from './machine/folders.ts';
import { endLettingThrough, neededForwardChain } from './machine/host-forward.ts';
import { letHostForward } from './machine/host-settings.ts';
import { networkRemains, takenRanges } from './machine/network.ts';
import { isPortTaken } from './machine/ports.ts';
import { bootId } from './machine/proc.ts';
import { hostThingsOf, listRecords, lookAt, withRegistry, writeRecord } from './machine/registry.ts';
import { writeState } from './machine/state-file.ts';
import { chooseRanges, NotFree, portBases } from './net/choose.ts';
import { parseCidr } from './net/cidr.ts';
import { decideOwner, type LabRecord, nameConflict, type Ownership } from './owner.ts';
import { processesOf } from './processes.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { emptyState } from './state.ts';
import { layOut, routedRanges } from './topology.ts';

/** Whose the lab called `name` in the context's folder is, as the records say now. */
export function ownershipOf(context: LabContext, name: string): Ownership {
  const { dir } = context.paths;
  return decideOwner({ name, dir, user: ownUser }, lookAt(dir), listRecords(context.registry));
}

/** The same, but what is refused is thrown, as LabError. */
export function ownershipOrThrow(context: LabContext, name: string): Exclude<Ownership, { kind: 'refused' }> {
  const owned = ownershipOf(context, name);
  if (owned.kind === 'refused') throw new LabError('conflict', owned.reason);
  return owned;
}

/**
 * `asked` must have passed checkConfig. Makes the folder, the records and the empty state of a new lab, with free ranges and ports where `asked` names none. Nothing is
 * left where it rejects. With a lab there already nothing is done.
 */
export async function claim(context: LabContext, name: string, asked: Partial<LabConfig>): Promise<void> {
  await withRegistry(context.registry, context.clock, 'up', async () => {
    if (ownershipOrThrow(context, name).kind !== 'none') return;
    const { paths, registry } = context;
    const others = listRecords(registry);
    const netns = (asked.network ?? defaultConfig.network) === 'netns';
    const conflict = netns ? nameConflict(name, paths.dir, others) : undefined;
    if (conflict !== undefined) throw new LabError('conflict', conflict);
    const config = completeConfig({ ...asked, name, ...(await chooseFree(asked, name, others, context)) });
    const topology = layOut(config, paths);
    if (netns) await refuseStrangers(topology.config.name, hostThingsOf(topology));
    const record: LabRecord = {
      version: 1,
      id: context.random.stream('lab').uuid().replaceAll('-', ''),
      name,
      repo: paths.repo,
      dir: paths.dir,
      run: paths.run,
      user: ownUser,
      network: config.network,
      madeDir: makeFolder(paths.dir, 0o700),
      host: undefined,
      ranges: netns ? routedRanges(topology) : [],
      portBase: netns ? undefined : config.portBase,
      ...(context.testRun === undefined ? {} : { testRun: context.testRun }),
    };
    writeRecord(registry, record);
    writeState(paths.dir, emptyState(config, paths, bootId()));
  });
}

/** Records, before anything of it is made, what the lab is about to make on the host. Throws LabError where another has the name. */
export async function claimHost(context: LabContext, record: LabRecord, config: LabConfig): Promise<LabRecord> {
  const { registry, clock } = context;
  return withRegistry(registry, clock, 'up', async () => {
    const others = listRecords(registry);
    const conflict = nameConflict(record.name, record.dir, others);
    if (conflict !== undefined) throw new LabError('conflict', conflict);
    const wanted = hostThingsOf(layOut(config, record));
    const known = others.some((other) => other.id === record.id && other.host !== undefined) || record.host !== undefined;
    if (!known) await refuseStrangers(record.name, wanted);
    // What an earlier `up` let through where another chain is asked now.
    if (record.host !== undefined) await endLettingThrough(record.host);
    const forward = await neededForwardChain();
    const next = { ...record, host: { ...wanted, ...(forward === undefined ? {} : { forward }) } };
    writeRecord(registry, next);
    letHostForward(registry);
    return next;
  });
}

/** Names of the lab that something else on this machine has, of which no record tells. */
async function refuseStrangers(name: string, wanted: ReturnType<typeof hostThingsOf>): Promise<void> {
  const strangers = await networkRemains(wanted);
  if (strangers.length > 0)
    throw new LabError(
      'conflict',
      `lab ${name} needs names that are in use, and no lab's record says by whom: ${strangers.join(', ')}; remove them, or choose another --name`,
    );
}

async function chooseFree(
  asked: Partial<LabConfig>,
  name: string,
  others: readonly LabRecord[],
  context: LabContext,
): Promise<Partial<LabConfig>> {
  if ((asked.network ?? defaultConfig.network) === 'loopback')
    return { portBase: await chooseBase(asked, name, others, context) };
  const taken = [
    ...(await takenRanges()),
    ...others.flatMap((other) =>
      other.ranges.flatMap((text) => {
        const range = parseCidr(text);
        return range === undefined || other.dir === context.paths.dir
          ? []
          : [{ range, by: `lab ${other.name} in ${other.dir}` }];
      }),
    ),
  ];
  try {
    return chooseRanges(asked, taken);
  } catch (error) {
    if (error instanceof NotFree) throw new LabError('conflict', error.message);
    throw error;
  }
}

async function chooseBase(
  asked: Partial<LabConfig>,
  name: string,
  others: readonly LabRecord[],
  context: LabContext,
): Promise<number> {
  const specsAt = (portBase: number) =>
    processesOf({ topology: layOut(completeConfig({ ...asked, name, portBase }), context.paths), machine: machineFacts() });
  const wanted = asked.portBase;
  if (wanted !== undefined) {
    const other = others.find((record) => Math.abs((record.portBase ?? Number.NEGATIVE_INFINITY) - wanted) < portsNeeded);
    if (other !== undefined)
      throw new LabError(
        'conflict',
        `port ${wanted} and those behind it belong to lab ${other.name} (${other.dir}, from ${other.portBase}): choose others with --port-base, or none to have free ones`,
      );
    const busy = await firstTaken(specsAt(wanted));
    if (busy !== undefined)
      throw new LabError('conflict', `${busy}: choose other ports with --port-base, or none to have free ones`);
    return wanted;
  }
  const taken = others.flatMap((record) => record.portBase ?? []);
  for (const base of portBases(defaultConfig.portBase, portsNeeded, taken))
    if ((await firstTaken(specsAt(base))) === undefined) return base;
  throw new LabError('conflict', 'no free block of ports was found: choose one with --port-base');
}

/** `etcd-1: port 16453 on 127.0.0.1 is taken`, where it is. */
export async function firstTaken(specs: readonly ProcessSpec[]): Promise<string | undefined> {
  for (const spec of specs)
    for (const port of spec.ports)
      if (await isPortTaken('127.0.0.1', port)) return `${spec.name}: port ${port} on 127.0.0.1 is taken`;
  return undefined;
}
