// A table whose text is longer than a pipe holds.
import { planRules } from '../plan.ts';
import type { RuleSet } from '../rule-set.ts';
import { plainPort } from './plain-port.ts';

export function manyRules(): RuleSet {
  const ports = Array.from({ length: 300 }, (_, index) => ({
    ...plainPort,
    namespace: 'many',
    name: `svc-${index}`,
    clusterIP: `10.97.${index >> 8}.${index & 255}`,
    endpoints: [{ ip: '10.244.7.7', port: 8080, ready: true, serving: true, terminating: false, local: false }],
  }));
  return planRules(ports, { local: undefined, nodePortIPs: [], nodeIP: undefined, masqueradeAll: false, masqueradeBit: 14 });
}
