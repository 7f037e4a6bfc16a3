// Where candidates of an election leave their record: in a Lease, or as client-go did before it in an annotation of a ConfigMap
// (resourcelock.ConfigMapLock), for whoever has been given rights to that only.
import type { ConfigMap, Lease, LeaseSpec } from '@drydock/api/generated/types.ts';
import { configMaps, leases } from '@drydock/api/resource.ts';
import type { ApiClient, ObjectKey, WriteOptions } from './api-client.ts';

export type LockKind = 'leases' | 'configmaps';

/** Where the record is. A record of another kind is shown as a Lease, with the version of what it is in. */
export interface ElectionLock {
  get(call: WriteOptions): Promise<Lease>;
  create(spec: LeaseSpec, call: WriteOptions): Promise<Lease>;
  /** Writes `spec` in the place of `seen`'s, if nothing has been written since. */
  update(seen: Lease, spec: LeaseSpec, call: WriteOptions): Promise<Lease>;
}

/** client-go's LeaderElectionRecordAnnotationKey. */
export const recordAnnotation = 'control-plane.alpha.kubernetes.io/leader';

export function electionLock(kind: LockKind, client: ApiClient, key: Required<ObjectKey>): ElectionLock {
  return kind === 'leases' ? leaseLock(client, key) : configMapLock(client, key);
}

function leaseLock(client: ApiClient, key: Required<ObjectKey>): ElectionLock {
  return {
    get: (call) => client.get<Lease>(leases, key, call),
    create: (spec, call) => client.create<Lease>(leases, { metadata: key, spec }, call),
    update: (seen, spec, call) => client.update<Lease>(leases, { ...seen, spec }, call),
  };
}

function configMapLock(client: ApiClient, key: Required<ObjectKey>): ElectionLock {
  /** What else is in it stays. */
  let last: ConfigMap = { metadata: key };
  const shown = (object: ConfigMap): Lease => {
    last = object;
    return { metadata: object.metadata, spec: readRecord(object.metadata?.annotations?.[recordAnnotation]) };
  };
  const withRecord = (spec: LeaseSpec): ConfigMap => ({
    ...last,
    metadata: { ...last.metadata, annotations: { ...last.metadata?.annotations, [recordAnnotation]: recordText(spec) } },
  });
  return {
    get: async (call) => shown(await client.get<ConfigMap>(configMaps, key, call)),
    async create(spec, call) {
      last = { metadata: key };
      return shown(await client.create<ConfigMap>(configMaps, withRecord(spec), call));
    },
    update: async (_seen, spec, call) => shown(await client.update<ConfigMap>(configMaps, withRecord(spec), call)),
  };
}

/** client-go's LeaderElectionRecord; its times have seconds. */
function recordText({ holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions }: LeaseSpec): string {
  const seconds = (time: string | undefined) => (time === undefined ? null : time.replace(/\.\d+Z$/, 'Z'));
  return JSON.stringify({
    holderIdentity: holderIdentity ?? '',
    leaseDurationSeconds: leaseDurationSeconds ?? 0,
    acquireTime: seconds(acquireTime),
    renewTime: seconds(renewTime),
    leaderTransitions: leaseTransitions ?? 0,
  });
}

/** A record that nobody can read is one of nobody. */
function readRecord(text: string | undefined): LeaseSpec {
  let record: Record<string, unknown> = {};
  try {
    record = (JSON.parse(text ?? '{}') as Record<string, unknown> | null) ?? {};
  } catch {
    // As if there were none.
  }
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaderTransitions } = record;
  return {
    ...(typeof holderIdentity === 'string' ? { holderIdentity } : {}),
    ...(typeof leaseDurationSeconds === 'number' ? { leaseDurationSeconds } : {}),
    ...(typeof acquireTime === 'string' ? { acquireTime } : {}),
    ...(typeof renewTime === 'string' ? { renewTime } : {}),
    ...(typeof leaderTransitions === 'number' ? { leaseTransitions: leaderTransitions } : {}),
  };
}
