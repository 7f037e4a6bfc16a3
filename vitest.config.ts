import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Only what hangs runs into these: tests wait for conditions, and a machine may do other things too. */
const patience = { testTimeout: 30_000, hookTimeout: 30_000, expect: { poll: { timeout: 10_000 } } };

/** In a simulated world the real clock is forbidden, also to what another file has left behind: these have workers of their own. */
const simulated = ['libs/sim/**/*.test.ts', 'test/sim/**/*.test.ts'];

/** What runs on a lab: one for all files. */
const lab = {
  globalSetup: ['test/global-setup.ts', 'test/e2e/setup.ts'],
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 180_000,
};

/** What runs among the upstream programs. */
const upstream = {
  globalSetup: ['test/global-setup.ts'],
  fileParallelism: false,
  testTimeout: 300_000,
  hookTimeout: 300_000,
};

/** The notes that `npm test` plays; all of them are played by `npm run e2e:notes`. */
const shortNotes = ['000-*', '002-*', '004-services-*'].map((name) => `test/e2e/notes/${name}.test.ts`);

export default defineConfig({
  test: {
    // Also on two processors: tests wait about as long as they work.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          ...patience,
          name: 'unit',
          // Files of one worker share what they import: to load it anew for each was two thirds of all the work.
          isolate: false,
          restoreMocks: true,
          unstubGlobals: true,
          unstubEnvs: true,
          globalSetup: ['test/global-setup.ts'],
          include: ['libs/**/*.test.ts', 'apps/**/*.test.ts', 'test/{tidy,golden}/**/*.test.ts'],
          exclude: simulated,
        },
      },
      {
        test: {
          ...patience,
          name: 'sim',
          globalSetup: ['test/global-setup.ts'],
          include: simulated,
        },
      },
      {
        test: {
          ...patience,
          name: 'integration',
          globalSetup: ['test/global-setup.ts'],
          // Each file runs several processes with timeouts of their own: more than two side by side would starve each other.
          include: ['test/{integration,fuzz,soak,differential,leaving}/**/*.test.ts'],
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...lab,
          name: 'e2e',
          include: ['test/e2e/*.test.ts', ...shortNotes],
        },
      },
      {
        test: {
          ...lab,
          name: 'notes',
          include: ['test/e2e/notes/*.test.ts'],
        },
      },
      {
        test: {
          ...upstream,
          name: 'swap',
          include: ['test/swap/{swap,access}.test.ts'],
        },
      },
      {
        test: {
          ...upstream,
          name: 'swap-long',
          include: ['test/swap/store.test.ts'],
        },
      },
    ],
  },
});
