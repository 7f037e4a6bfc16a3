import { SeededRandom } from '@drydock/foundation/random.ts';
import { describe, expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { DueQueue } from './due-queue.ts';
import { Lessor } from './lessor.ts';

/** What a call is refused with; undefined where it is not. */
function refusal(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof EtcdError) return error.code;
    throw error;
  }
}

function leader(): Lessor {
  const lessor = new Lessor();
  lessor.promote(0, 0);
  return lessor;
}

describe('keys', () => {
  test('a key has one lease, the last one', () => {
    const lessor = leader();
    lessor.grant(1n, 10, 0);
    lessor.grant(2n, 10, 0);
    lessor.attach('a', 0n, 1n);
    lessor.attach('a', 1n, 2n);
    expect(lessor.leaseOf('a')).toBe(2n);
    expect([...(lessor.get(1n)?.keys ?? [])]).toEqual([]);
    expect([...(lessor.get(2n)?.keys ?? [])]).toEqual(['a']);
    lessor.attach('a', 2n, 0n);
    expect(lessor.leaseOf('a')).toBe(0n);
    expect([...(lessor.get(2n)?.keys ?? [])]).toEqual([]);
  });

  test('an id is granted once', () => {
    const lessor = leader();
    lessor.grant(1n, 10, 0);
    expect(refusal(() => lessor.grant(1n, 20, 0))).toBe('leaseExists');
    expect(lessor.get(1n)?.ttlSeconds).toBe(10);
  });
});

describe('time', () => {
  test('a lease ends after its time to live, and a renewal starts it anew', () => {
    const lessor = leader();
    lessor.grant(1n, 10, 0);
    expect(lessor.expired(9_999)).toEqual([]);
    expect(lessor.renew(1n, 9_999)).toBe(10);
    expect(lessor.expired(19_998)).toEqual([]);
    expect(lessor.nextDueMs()).toBe(19_999);
    expect(lessor.expired(19_999)).toEqual([1n]);
  });

  test('what has ended cannot be renewed, nor what is unknown', () => {
    const lessor = leader();
    lessor.grant(1n, 10, 0);
    expect(refusal(() => lessor.renew(1n, 10_000))).toBe('leaseNotFound');
    expect(refusal(() => lessor.renew(7n, 0))).toBe('leaseNotFound');
  });

  test('a revocation without effect is proposed again, not before', () => {
    const lessor = leader();
    lessor.grant(1n, 1, 0);
    expect(lessor.expired(1000)).toEqual([1n]);
    expect(lessor.expired(1000 + limits.leaseRevokeRetryMs - 1)).toEqual([]);
    expect(lessor.nextDueMs()).toBe(1000 + limits.leaseRevokeRetryMs);
    expect(lessor.expired(1000 + limits.leaseRevokeRetryMs)).toEqual([1n]);
    lessor.remove(1n);
    expect(lessor.nextDueMs()).toBe(Infinity);
  });

  test('only so many are revoked at one time', () => {
    const lessor = leader();
    const count = limits.leaseRevokesInFlight + 1;
    for (let id = 1; id <= count; id++) lessor.grant(BigInt(id), 1, 0);
    expect(lessor.expired(1000)).toHaveLength(limits.leaseRevokesInFlight);
    expect(lessor.expired(1000)).toEqual([BigInt(count)]);
  });
});

describe('office', () => {
  test('nothing ends on a member that does not lead', () => {
    const lessor = new Lessor();
    lessor.grant(1n, 1, 0);
    expect(lessor.expired(1e9)).toEqual([]);
    expect(lessor.nextDueMs()).toBe(Infinity);
  });

  test('a new leader gives every lease its full time, and some for clients that look for it', () => {
    const lessor = new Lessor();
    lessor.grant(1n, 10, 0);
    lessor.promote(5000, 1000);
    expect(lessor.nextDueMs()).toBe(16_000);
    lessor.demote();
    expect(lessor.expired(1e9)).toEqual([]);
  });
});

describe('many leases', () => {
  test('what ends when is what looking at every one of them says', () => {
    const random = new SeededRandom(5).stream('leases');
    const lessor = leader();
    const ends = new Map<bigint, number>();
    const proposed = new Map<bigint, number>();
    const dueOf = (id: bigint) =>
      Math.max(ends.get(id) ?? Infinity, (proposed.get(id) ?? -Infinity) + limits.leaseRevokeRetryMs);
    let now = 0;
    let ended = 0;
    for (let step = 0; step < 20_000; step++) {
      now += random.int(50);
      const id = BigInt(random.int(300));
      const dice = random.int(10);
      if (dice < 4 && !ends.has(id)) {
        const ttl = 1 + random.int(20);
        lessor.grant(id, ttl, now);
        ends.set(id, now + ttl * 1000);
      } else if (dice < 8 && (ends.get(id) ?? 0) > now) {
        ends.set(id, now + lessor.renew(id, now) * 1000);
      } else if (dice === 8) {
        lessor.remove(id);
        ends.delete(id);
        proposed.delete(id);
      } else {
        const expected = [...ends.keys()].filter((one) => dueOf(one) <= now);
        const told = lessor.expired(now);
        ended += told.length;
        expect(told.sort()).toEqual(expected.sort());
        for (const one of told) proposed.set(one, now);
      }
      expect(lessor.nextDueMs()).toBe(Math.min(Infinity, ...[...ends.keys()].map(dueOf)));
    }
    expect(ended).toBeGreaterThan(500);
  });

  test('those that are gone long before their time take no room', () => {
    const ends = new Map([[0, 50]]);
    let looks = 0;
    const queue = new DueQueue<number>((item) => {
      looks++;
      return ends.get(item);
    });
    queue.add(0);
    for (let item = 1; item <= 50_000; item++) {
      ends.set(item, 1e12);
      queue.add(item);
      ends.delete(item);
    }
    expect(queue.size).toBeLessThan(3000);
    expect(looks).toBeLessThan(200_000);
    expect(queue.take(50)).toBe(0);
  });

  test('a grant among a hundred thousand does not look at all of them', () => {
    const lessor = leader();
    // Looking at all of them at each would be five thousand million looks: minutes.
    for (let id = 1n; id <= 100_000n; id++) {
      lessor.grant(id, 60, 0);
      lessor.nextDueMs();
    }
    expect(lessor.nextDueMs()).toBe(60_000);
  });
});
