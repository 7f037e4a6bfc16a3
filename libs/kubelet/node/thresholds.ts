// What of a node is kept from pods, and when it is under pressure: pure (pkg/kubelet/eviction, pkg/kubelet/cm/node_container_manager).
import { amountOf } from '@drydock/api/pod-resources.ts';
import { tryParseQuantity } from '@drydock/api/quantity.ts';

export type Signal =
  | 'memory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'pid.available';
export const signals: readonly Signal[] = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
];

/** A quantity such as `100Mi`, or a percentage of the capacity such as `10%`. */
export type Thresholds = Readonly<Partial<Record<Signal, string>>>;

/** Upstream's defaults on Linux. */
export const defaultEvictionHard: Thresholds = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

export interface Measured {
  readonly available: number;
  readonly capacity: number;
}

export type Measurements = Readonly<Partial<Record<Signal, Measured>>>;
export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

const pressureOf: Readonly<Record<Signal, Pressure>> = {
  'memory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'nodefs.inodesFree': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'imagefs.inodesFree': 'DiskPressure',
  'pid.available': 'PIDPressure',
};

export function isThreshold(text: string): boolean {
  return /^\d+(\.\d+)?%$/.test(text) || tryParseQuantity(text) !== undefined;
}

/** The amount of a threshold; undefined where there is none (0% and 0 turn one off). */
export function thresholdAmount(text: string | undefined, capacity: number): number | undefined {
  if (text === undefined) return undefined;
  const amount = text.endsWith('%') ? (Number(text.slice(0, -1)) / 100) * capacity : amountOf('memory', text);
  return amount > 0 ? Math.floor(amount) : undefined;
}

/** The pressures that the measured amounts amount to. */
export function pressures(measured: Measurements, thresholds: Thresholds): Set<Pressure> {
  const result = new Set<Pressure>();
  for (const signal of signals) {
    const found = measured[signal];
    const limit = found === undefined ? undefined : thresholdAmount(thresholds[signal], found.capacity);
    if (found !== undefined && limit !== undefined && found.available < limit) result.add(pressureOf[signal]);
  }
  return result;
}

/** A pressure holds on for this long after it was last seen (evictionPressureTransitionPeriod). */
export class PressureMemory {
  readonly #seenAtMs = new Map<Pressure, number>();
  readonly #transitionMs: number;

  constructor(transitionMs: number) {
    this.#transitionMs = transitionMs;
  }

  update(now: ReadonlySet<Pressure>, nowMs: number): Set<Pressure> {
    for (const each of now) this.#seenAtMs.set(each, nowMs);
    return new Set([...this.#seenAtMs].filter(([, atMs]) => nowMs - atMs < this.#transitionMs).map(([each]) => each));
  }
}

export interface CapacityFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

export interface Reserved {
  readonly system: Readonly<Record<string, string>>;
  readonly kube: Readonly<Record<string, string>>;
}

export function capacityOf(facts: CapacityFacts, maxPods: number): Record<string, string> {
  return {
    cpu: String(facts.cpus),
    memory: `${Math.floor(facts.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
    'ephemeral-storage': `${Math.floor(facts.storageBytes / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
  };
}

/** Capacity less what is reserved: what all pods together may use (enforceNodeAllocatable: pods). */
export function shareOfPods(facts: CapacityFacts, { system, kube }: Reserved): { cpuMilli: number; memoryBytes: number } {
  const kept = (name: string) => amountOf(name, system[name] ?? '0') + amountOf(name, kube[name] ?? '0');
  return {
    cpuMilli: Math.max(0, facts.cpus * 1000 - kept('cpu')),
    memoryBytes: Math.max(0, facts.memoryBytes - kept('memory')),
  };
}

/** Capacity less what is reserved and what the hard eviction thresholds keep free; never below zero. */
export function allocatableOf(
  facts: CapacityFacts,
  maxPods: number,
  { system, kube }: Reserved,
  evictionHard: Thresholds,
): Record<string, string> {
  const kept = (name: string) => amountOf(name, system[name] ?? '0') + amountOf(name, kube[name] ?? '0');
  const evictable = (signal: Signal, capacity: number) => thresholdAmount(evictionHard[signal], capacity) ?? 0;
  const milli = Math.max(0, facts.cpus * 1000 - kept('cpu'));
  const memory = Math.max(0, facts.memoryBytes - kept('memory') - evictable('memory.available', facts.memoryBytes));
  const storage = facts.storageBytes - kept('ephemeral-storage') - evictable('nodefs.available', facts.storageBytes);
  return {
    ...capacityOf(facts, maxPods),
    cpu: milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`,
    memory: `${Math.floor(memory / 1024)}Ki`,
    'ephemeral-storage': String(Math.max(0, storage)),
  };
}
