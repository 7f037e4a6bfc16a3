// The machines of a cloud, as its provider tells them. Pure.
import type { Node, NodeAddress } from '@drydock/api/generated/types.ts';
import { nameOf } from '../common/object-meta.ts';

/** One machine; its name is that of its node. */
export interface Machine {
  readonly name: string;
  /** As in a Node's spec.providerID: `PROVIDER://ID`. */
  readonly providerID: string;
  readonly addresses: readonly NodeAddress[];
  /** Not said where it is undefined; so are the two below. */
  readonly instanceType: string | undefined;
  readonly zone: string | undefined;
  readonly region: string | undefined;
  /** It is switched off, and still there. */
  readonly shutdown: boolean;
}

/** The cloud. A call that rejects says nothing about any machine. */
export interface Cloud {
  machines(): Promise<readonly Machine[]>;
}

/** A list of machines that cannot be read; the message says where. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError';
}

/** Machines in one list at most: upstream's largest clusters have 5,000 nodes. */
export const machinesMax = 10_000;

/** Reads a JSON list of machines, whose fields are those of Machine; `shutdown` is false where it is left out. Throws InventoryError. */
export function parseInventory(text: string): Machine[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new InventoryError(`no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(list)) throw new InventoryError('expected a list of machines');
  if (list.length > machinesMax) throw new InventoryError(`${list.length} machines, at most ${machinesMax} are read`);
  const machines = list.map(readMachine);
  for (const field of ['name', 'providerID'] as const) {
    const seen = new Set<string>();
    for (const machine of machines) {
      if (seen.has(machine[field])) throw new InventoryError(`two machines have the ${field} ${machine[field]}`);
      seen.add(machine[field]);
    }
  }
  return machines;
}

function readMachine(value: unknown, index: number): Machine {
  const wrong = (what: string): never => {
    throw new InventoryError(`machine ${index + 1}: ${what}`);
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('expected an object');
  const fields = value as Record<string, unknown>;
  const text = (field: string) => {
    const found = fields[field];
    return found === undefined || (typeof found === 'string' && found !== '') ? found : wrong(`${field}: expected text`);
  };
  const needed = (field: string) => text(field) ?? wrong(`${field} is missing`);
  const { addresses = [], shutdown = false } = fields;
  if (!Array.isArray(addresses) || !addresses.every(isAddress)) return wrong('addresses: expected a list of {type, address}');
  if (typeof shutdown !== 'boolean') return wrong('shutdown: expected true or false');
  return {
    name: needed('name'),
    providerID: needed('providerID'),
    addresses: addresses.map(({ type, address }) => ({ type, address })),
    instanceType: text('instanceType'),
    zone: text('zone'),
    region: text('region'),
    shutdown,
  };
}

function isAddress(value: unknown): value is NodeAddress {
  const { type, address } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof type === 'string' && type !== '' && typeof address === 'string' && address !== '';
}

/** The node's machine: by its provider's id where it has one, else by its name. */
export function machineOf(node: Node, machines: readonly Machine[]): Machine | undefined {
  const id = node.spec?.providerID ?? '';
  return machines.find((machine) => (id === '' ? machine.name === nameOf(node) : machine.providerID === id));
}
