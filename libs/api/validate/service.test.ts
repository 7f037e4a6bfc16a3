// Addresses that only some programs would read: the original takes the four numbers, in decimal.
import { expect, test } from 'vitest';
import type { Service } from '../generated/types.ts';
import type { KubeObject } from '../resource.ts';
import { findKind } from '../scheme.ts';
import { validateCreate } from './validate.ts';

const info = findKind('', 'v1', 'Service');
const problems = (spec: Service['spec']): string[] => {
  if (info === undefined) throw new Error('no Service');
  const ports = [{ port: 80, protocol: 'TCP', targetPort: 80 }];
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'default', uid: 'a-uid' } };
  const errors = validateCreate(info, {
    ...object,
    spec: { type: 'LoadBalancer', ports, ...spec },
  } as KubeObject);
  return errors.map(({ field }) => field).filter((field) => /IP|Ranges/.test(field));
};

test.each(['1', '10.1', '0xa.0.0.1', '0x0a000001', '1.2.3.4 '])('%j is no address', (ip) => {
  expect(problems({ clusterIP: ip, externalIPs: [ip], loadBalancerSourceRanges: [`${ip.trim()}/33`, `${ip}/8`] })).toEqual(
    expect.arrayContaining(['spec.clusterIPs[0]', 'spec.externalIPs[0]', 'spec.LoadBalancerSourceRanges[1]']),
  );
});

test.each(['10.0.0.1', '2001:db8::1'])('%j is one', (ip) => {
  expect(problems({ clusterIP: ip, externalIPs: [ip], loadBalancerSourceRanges: [` ${ip}/32 `] })).toEqual([]);
});
