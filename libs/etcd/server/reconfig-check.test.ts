import { describe, expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { type ClusterView, checkAdd, checkPromote, checkRemove } from './reconfig-check.ts';

const nowMs = 100_000;
const longAgo = 1000;

/** `S`: a voter that has started, `u`: one that has not, `L`: a learner. Member 1 judges; `up` are connected since long. */
function view(kinds: string, up: readonly number[], sinceMs = longAgo): ClusterView {
  const members = [...kinds].map((kind, i) => ({
    ID: BigInt(i + 1),
    name: kind === 'u' ? '' : `m${i + 1}`,
    peerURLs: [],
    clientURLs: [],
    isLearner: kind === 'L',
  }));
  return { self: 1n, members, nowMs, connectedSince: (id) => (up.includes(Number(id)) ? sinceMs : undefined) };
}

function codeOf(check: () => void): string {
  try {
    check();
    return 'fine';
  } catch (error) {
    return error instanceof EtcdError ? error.code : String(error);
  }
}

// The cases of etcd's own table (TestIsReadyToAddVotingMember and its neighbours), and the connections.
describe('a voter is added', () => {
  test.each([
    ['S', [], 'fine'],
    ['Su', [], 'notEnoughStarted'],
    ['SS', [2], 'fine'],
    ['SS', [], 'unhealthy'],
    ['SSu', [2], 'notEnoughStarted'],
    ['SSS', [2, 3], 'fine'],
    ['SSS', [2], 'unhealthy'],
    ['SSSuu', [2, 3], 'notEnoughStarted'],
    ['SL', [], 'fine'],
  ] as const)('to %s with %j connected: %s', (kinds, up, expected) => {
    expect(codeOf(() => checkAdd(view(kinds, up), false))).toBe(expected);
  });

  test('not while a member is only just connected', () => {
    expect(codeOf(() => checkAdd(view('SSS', [2, 3], nowMs - 4000), false))).toBe('unhealthy');
    expect(codeOf(() => checkAdd(view('SSS', [2, 3], nowMs - 6000), false))).toBe('fine');
  });
});

test('a learner needs no quorum, but connections', () => {
  expect(codeOf(() => checkAdd(view('Su', [2]), true))).toBe('fine');
  expect(codeOf(() => checkAdd(view('SS', []), true))).toBe('unhealthy');
});

describe('a member is removed', () => {
  test.each([
    ['S', 1, [], 'notEnoughStarted'],
    ['Su', 1, [], 'notEnoughStarted'],
    ['Su', 2, [], 'fine'],
    ['SSS', 2, [2, 3], 'fine'],
    ['SSS', 2, [2], 'unhealthy'],
    ['SSS', 3, [2], 'fine'],
    ['SSS', 1, [2], 'unhealthy'],
    ['SSuu', 1, [2], 'notEnoughStarted'],
    ['SSL', 3, [], 'fine'],
    ['SSSSS', 2, [2, 3], 'unhealthy'],
    ['SSSSS', 2, [2, 3, 4], 'fine'],
  ] as const)('of %s number %i with %j connected: %s', (kinds, id, up, expected) => {
    expect(codeOf(() => checkRemove(view(kinds, up), BigInt(id)))).toBe(expected);
  });
});

test('a learner becomes a voter where enough have started', () => {
  expect(codeOf(() => checkPromote(view('SL', [])))).toBe('fine');
  expect(codeOf(() => checkPromote(view('SuL', [])))).toBe('fine');
  expect(codeOf(() => checkPromote(view('SuuL', [])))).toBe('notEnoughStarted');
});
