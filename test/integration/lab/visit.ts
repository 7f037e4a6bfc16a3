// Goes to every port of a lab with every certificate, and compares with the table.
import type { Lab } from '@drydock/lab/lab.ts';
import { type MemberKind, type Purpose, portOf } from '@drydock/lab/topology.ts';
import type { CertifiedKey } from '@drydock/pki/certificate.ts';
import { type AccessRow, accessTable } from './access-table.ts';
import { askBy } from './doors.ts';

type Protocol = keyof typeof askBy;

/** What is behind the ports that want to know who comes, and the protocols in which they are asked. */
const doors: Readonly<Partial<Record<Purpose, readonly [keyof AccessRow, ...Protocol[]]>>> = {
  'etcd-client': ['storeClient', 'HTTP', 'gRPC'],
  'etcd-peer': ['storePeer', 'HTTP'],
  'apiserver-https': ['api', 'HTTP'],
  'apiserver-grpc': ['apiGrpc', 'gRPC'],
  kubelet: ['kubelet', 'HTTP'],
  'kubelet-agent': ['agent', 'gRPC'],
  scheduler: ['figures', 'HTTP'],
  'controller-manager': ['figures', 'HTTP'],
};
/** The ports of each kind of member. */
export const purposes: Readonly<Record<MemberKind, readonly Purpose[]>> = {
  etcd: ['etcd-client', 'etcd-peer', 'etcd-metrics'],
  apiserver: ['apiserver-https', 'apiserver-grpc'],
  balancer: ['apiserver-https'],
  scheduler: ['scheduler'],
  'controller-manager': ['controller-manager'],
  dns: ['dns', 'dns-metrics'],
  // The lab of these tests is on loopback, where there are none.
  ingress: [],
  'cloud-controller-manager': [],
  metrics: [],
  'control-plane': [],
  worker: ['kubelet', 'kubelet-healthz', 'kubelet-agent'],
};

export interface LabPort {
  readonly address: string;
  readonly kind: MemberKind;
  /** Undefined: a port that this file does not know. */
  readonly purpose: Purpose | undefined;
}

/** Every port on which something of the lab listens. */
export function portsOf(lab: Lab): LabPort[] {
  const { topology, specs } = lab.view();
  return specs.flatMap(({ member, ports }) =>
    ports.map((port) => ({
      address: `${member.address}:${port}`,
      kind: member.kind,
      purpose: purposes[member.kind].find((purpose) => portOf(topology, member, purpose) === port),
    })),
  );
}

/** What is asked at a port; undefined where it asks nobody who he is. */
export function doorOf({ purpose }: LabPort): { door: keyof AccessRow; protocols: Protocol[] } | undefined {
  const [door, ...protocols] = (purpose === undefined ? undefined : doors[purpose]) ?? [];
  return door === undefined ? undefined : { door, protocols };
}

/** Tries every certificate at every such port: what was asked, with how many, and where the answer is not the table's. */
export async function visit(
  ports: readonly LabPort[],
  pairs: ReadonlyMap<string, CertifiedKey | undefined>,
): Promise<{ asked: Map<string, number>; wrong: string[] }> {
  const asked = new Map<string, number>();
  const wrong: string[] = [];
  for (const port of ports) {
    const { door, protocols } = doorOf(port) ?? { door: undefined, protocols: [] };
    if (door === undefined) continue;
    for (const protocol of protocols) {
      const at = `${port.kind}, ${port.purpose}, ${protocol}`;
      await Promise.all(
        [...pairs].map(async ([name, pair]) => {
          const access = await askBy[protocol][door]({ address: port.address, pair });
          const wanted = accessTable[name]?.[door];
          if (access !== wanted) wrong.push(`${at}: ${name}: ${access}, and not ${wanted}`);
          asked.set(at, (asked.get(at) ?? 0) + 1);
        }),
      );
    }
  }
  return { asked, wrong };
}
