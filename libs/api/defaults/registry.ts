// Which defaults belong to which kind.
import type { KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import { adminDefaulters } from './admin.ts';
import { autoscalingDefaulters } from './autoscaling.ts';
import { coreDefaulters } from './core.ts';
import { networkDefaulters } from './network.ts';
import { storageDefaulters } from './storage.ts';
import { workloadDefaulters } from './workloads.ts';

/** Fills in the defaults of one kind, in place. */
export type Defaulter = (object: KubeObject) => void;

/** By `group/Kind`, or `group/version/Kind` where versions differ. */
const defaulters = new Map<string, Defaulter>([
  ...coreDefaulters,
  ...workloadDefaulters,
  ...networkDefaulters,
  ...storageDefaulters,
  ...autoscalingDefaulters,
  ...adminDefaulters,
]);

export function defaultersOf({
  group,
  version,
  kind,
}: Pick<ResourceInfo, 'group' | 'version' | 'kind'>): Defaulter | undefined {
  return defaulters.get(`${group}/${version}/${kind}`) ?? defaulters.get(`${group}/${kind}`);
}
