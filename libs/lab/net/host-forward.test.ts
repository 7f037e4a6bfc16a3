import { expect, test } from 'vitest';
import { forwardChainOf, forwardRules } from './host-forward.ts';

test.each([
  ['a host without rules', ['-P INPUT ACCEPT', '-P FORWARD ACCEPT', '-P OUTPUT ACCEPT'], undefined],
  ['a host that drops', ['-P INPUT ACCEPT', '-P FORWARD DROP', '-P OUTPUT ACCEPT'], 'FORWARD'],
  [
    'Docker',
    ['-P FORWARD DROP', '-N DOCKER', '-N DOCKER-USER', '-A FORWARD -j DOCKER-USER', '-A FORWARD -o docker0 -j DOCKER'],
    'DOCKER-USER',
  ],
  ['Docker without its policy', ['-P FORWARD ACCEPT', '-N DOCKER-USER', '-A FORWARD -j DOCKER-USER'], 'DOCKER-USER'],
  ['a chain that nothing leads to', ['-P FORWARD DROP', '-N DOCKER-USER', '-A FORWARD -j OTHER'], 'FORWARD'],
  ['a chain whose name begins so', ['-P FORWARD ACCEPT', '-N DOCKER-USER-2', '-A FORWARD -j DOCKER-USER-2'], undefined],
  ['a host that drops what comes in', ['-P INPUT DROP', '-P FORWARD ACCEPT'], undefined],
  ['no answer', [''], undefined],
])('%s', (_, rules, chain) => {
  expect(forwardChainOf(rules.join('\n'))).toBe(chain);
});

test('only what the lab sends is let through, and what answers it; by its own link and in its own name', () => {
  expect(forwardRules('dd-lab', 'DOCKER-USER').map((rule) => rule.join(' '))).toEqual([
    'DOCKER-USER -i dd-lab -m comment --comment drydock dd-lab -j ACCEPT',
    'DOCKER-USER -o dd-lab -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment drydock dd-lab -j ACCEPT',
  ]);
});
