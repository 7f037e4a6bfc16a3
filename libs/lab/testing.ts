// A lab as a value, for tests of the pure files.
import { completeConfig, type LabConfig } from './config.ts';
import { layOut, type Topology } from './topology.ts';

export function testTopology(asked: Partial<LabConfig> = {}): Topology {
  return layOut(completeConfig(asked), { repo: '/repo', dir: '/repo/.drydock/lab', run: '/run/drydock/lab' });
}

export const testMachine = {
  node: '/node',
  nodeFlags: new Map([
    ['*', ['--one']],
    ['kube-proxy', ['--two']],
  ]),
  mayRaiseLimits: false,
  cgroupVersion: 1,
  nameservers: ['192.0.2.53'],
} as const;
