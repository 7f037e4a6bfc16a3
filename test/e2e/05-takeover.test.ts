// Acceptance 5: another scheduler or controller-manager takes over within its lease timings; nothing is done twice.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, echoImage, kubectl, kubectlJson, lab, podsOf, startElected, until } from './lab.ts';

const namespace = 'e2e-takeover';
/** Lease duration and retry period of the fast profile, doubled for a machine with two cores. */
const takeoverMaxMs = 2 * (4_000 + 500);

interface Lease {
  spec: { holderIdentity: string };
}

/** The lab's name of the process that holds a lease: identities are HOST_UID, hosts are members' names. */
async function holder(lease: string): Promise<string> {
  return (await kubectlJson<Lease>('-n', 'kube-system', 'get', 'lease', lease)).spec.holderIdentity.split('_')[0] ?? '';
}

describe.skipIf(e2eSkipReason !== undefined)(`takeover (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(async () => {
    await startElected();
    await kubectl('create', 'namespace', namespace);
  });
  afterAll(async () => {
    await startElected();
    await kubectl('delete', 'namespace', namespace);
  });

  test.each([
    ['kube-scheduler', 'scheduler'],
    ['kube-controller-manager', 'controller-manager'],
  ])('%s: killed while it works', async (lease, prefix) => {
    await kubectl('-n', namespace, 'create', 'deployment', prefix, `--image=${echoImage}`, '--replicas=8');
    const active = await holder(lease);
    expect(active).toMatch(new RegExp(`^${prefix}-\\d$`));
    const killedMs = performance.now();
    await lab('kill', active);
    await until(
      'another one holds the lease',
      async () => {
        const now = await holder(lease);
        return (now !== active && now !== '') || now;
      },
      takeoverMaxMs,
    );
    expect(performance.now() - killedMs).toBeLessThan(takeoverMaxMs);
    await kubectl('-n', namespace, 'scale', `deployment/${prefix}`, '--replicas=9');
    await kubectl('-n', namespace, 'rollout', 'status', `deployment/${prefix}`, '--timeout=90s');
    const pods = (await podsOf(namespace, `app=${prefix}`)).filter((pod) => !pod.deleting);
    expect(pods).toHaveLength(9);
    // A pod that was bound twice would have two Scheduled events.
    interface Events {
      items: { involvedObject: { uid: string }; reason: string; count?: number }[];
    }
    const { items } = await kubectlJson<Events>('-n', namespace, 'get', 'events', '--field-selector', 'reason=Scheduled');
    for (const pod of pods) {
      const scheduled = items.filter((event) => event.involvedObject.uid === pod.uid);
      expect(
        scheduled.reduce((sum, event) => sum + (event.count ?? 1), 0),
        pod.name,
      ).toBeLessThanOrEqual(1);
    }
    await kubectl('-n', namespace, 'delete', 'deployment', prefix);
    await lab('start', active);
  });
});
