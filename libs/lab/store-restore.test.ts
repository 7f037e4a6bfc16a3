import { expect, test } from 'vitest';
import { planRestore, revisionDistance } from './store-restore.ts';

test('a restored store begins beyond every revision that any client can have seen', () => {
  const first = planRestore(500, 0);
  expect(first).toEqual({ bump: revisionDistance, revision: 500 + revisionDistance });
  // A snapshot from before that restore, and one from after it.
  expect(planRestore(300, first.revision).revision).toBe(first.revision + revisionDistance);
  const later = planRestore(first.revision + 70, first.revision);
  expect(later.revision).toBeGreaterThan(first.revision + 70);
  expect(planRestore(300, later.revision).revision).toBeGreaterThan(later.revision);
});
