// A table whose text is longer than a pipe holds.
import { planRules } from '../plan.ts';
import type { RuleSet } from '../rule-set.ts';

export function manyRules(): RuleSet {
  const ports = Array.from({ length: 300 }, (_, index) => ({
    namespace: 'many',
    name: `svc-${index}`,
    portName: '',
    protocol: 'tcp' as const,
    port: 80,
    clusterIP: `10.97.${index >> 8}.${index & 255}`,
    nodePort: 0,
    externalIPs: [],
    loadBalancerIPs: [],
    sourceRanges: [],
    internalLocal: false,
    externalLocal: false,
    affinitySeconds: 0,
    endpoints: [{ ip: '10.244.7.7', port: 8080, ready: true, serving: true, terminating: false, local: false }],
  }));
  return planRules(ports, { local: undefined, nodePortIPs: [], masqueradeAll: false, masqueradeBit: 14 });
}
