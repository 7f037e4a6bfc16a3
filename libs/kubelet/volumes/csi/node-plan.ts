// What a node's objects say of its CSI drivers: CSINode, and labels and an annotation of Node (pkg/volume/csi/nodeinfomanager). Pure:
// each gives the object as it should be, or undefined where it is so already.
import type { CSINode, CSINodeDriver, Node } from '@drydock/api/generated/types.ts';

export const nodeIdAnnotation = 'csi.volume.kubernetes.io/nodeid';
const int32Max = 2 ** 31 - 1;

/** What a driver says of the node it runs on. */
export interface DriverOnNode {
  readonly name: string;
  readonly nodeId: string;
  /** 0: as many as there are. */
  readonly volumesMax: number;
  readonly topology: Readonly<Record<string, string>>;
}

/** Of a node on which no driver has been taken yet. */
export function emptyCsiNode(name: string, uid: string): CSINode {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] },
    spec: { drivers: [] },
  };
}

export function withDriver(csiNode: CSINode, driver: DriverOnNode): CSINode | undefined {
  const entry = entryOf(driver);
  const others = csiNode.spec.drivers.filter(({ name }) => name !== driver.name);
  const present = csiNode.spec.drivers.find(({ name }) => name === driver.name);
  if (present !== undefined && isSame(present, entry)) return undefined;
  return { ...csiNode, spec: { ...csiNode.spec, drivers: [...others, entry] } };
}

export function withoutDriver(csiNode: CSINode, driver: string): CSINode | undefined {
  const others = csiNode.spec.drivers.filter(({ name }) => name !== driver);
  if (others.length === csiNode.spec.drivers.length) return undefined;
  return { ...csiNode, spec: { ...csiNode.spec, drivers: others } };
}

/** What is to be merged into the node's metadata. */
export interface NodeChange {
  readonly labels?: Readonly<Record<string, string>>;
  /** null takes it away. */
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/** Throws where a label of the driver's topology is there with another value: two drivers would mean two places by one name. */
export function nodeWithDriver({ metadata }: Node, { name, nodeId, topology }: DriverOnNode): NodeChange | undefined {
  const { labels = {}, annotations } = metadata ?? {};
  for (const [key, value] of Object.entries(topology)) {
    const present = labels[key];
    if (present === undefined || present === value) continue;
    const [said, found] = [
      [key, value],
      [key, present],
    ].map((pair) => pair.map((each) => JSON.stringify(each)).join(':'));
    throw new Error(`detected topology value collision: driver reported ${said} but existing label is ${found}`);
  }
  const missing = Object.entries(topology).filter(([key]) => labels[key] === undefined);
  const ids = nodeIds(annotations);
  const isKnown = ids[name] === nodeId;
  if (isKnown && missing.length === 0) return undefined;
  return {
    ...(missing.length === 0 ? {} : { labels: Object.fromEntries(missing) }),
    ...(isKnown ? {} : { annotations: { [nodeIdAnnotation]: JSON.stringify(sorted({ ...ids, [name]: nodeId })) } }),
  };
}

/** The labels stay: other objects may have been placed by them. */
export function nodeWithoutDriver({ metadata }: Node, driver: string): NodeChange | undefined {
  const { [driver]: gone, ...others } = nodeIds(metadata?.annotations);
  if (gone === undefined) return undefined;
  const text = Object.keys(others).length === 0 ? null : JSON.stringify(sorted(others));
  return { annotations: { [nodeIdAnnotation]: text } };
}

function entryOf({ name, nodeId, volumesMax, topology }: DriverOnNode): CSINodeDriver {
  return {
    name,
    nodeID: nodeId,
    topologyKeys: Object.keys(topology).sort(),
    ...(volumesMax > 0 ? { allocatable: { count: Math.min(volumesMax, int32Max) } } : {}),
  };
}

function isSame(a: CSINodeDriver, b: CSINodeDriver): boolean {
  const text = ({ name, nodeID, topologyKeys = [], allocatable }: CSINodeDriver) =>
    JSON.stringify([name, nodeID, [...topologyKeys].sort(), allocatable?.count]);
  return text(a) === text(b);
}

/** By driver. Throws where the annotation is no such map. */
function nodeIds(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const text = annotations?.[nodeIdAnnotation] ?? '';
  if (text === '') return {};
  const failed = `failed to parse node's "${nodeIdAnnotation}" annotation value (${JSON.stringify(text)})`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`${failed} err=${(error as Error).message}`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error(failed);
  return parsed as Record<string, string>;
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
