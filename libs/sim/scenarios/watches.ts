// Watches: FAILURE-MODES 5.1, rows 13 to 17.
import type { Scenario } from './scenario.ts';
import type { Watching } from './watching.ts';

const revisions = (watching: Watching): number[] => watching.events.map(({ kv }) => kv.modRevision);

export const compactedWatch: Scenario = {
  name: 'compacted-watch',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    let last = 0;
    for (let i = 0; i < 20; i++) last = await stage.put(leader, `k${i % 3}`, `value ${i}`);
    await stage.done(leader, { kind: 'compact', revision: last - 5 });
    const late = stage.watch(leader, 'late', { key: 'k', end: 'l', startRevision: last - 10 });
    await stage.until('the watch is told', 10, () => late.ended);
    stage.expect('by the revision of the compaction', late.compactRevision === last - 5 && late.events.length === 0);
    const response = await stage.ask('reader', leader, { kind: 'range', key: 'k', end: 'l', revision: last - 10 });
    stage.expect('a read of that time is refused', response === undefined);
    const resumed = stage.watch(leader, 'resumed', { key: 'k', end: 'l', startRevision: last - 4 });
    await stage.until('what is left comes', 10, () => resumed.events.length === 5);
    stage.expect('all of it, once', revisions(resumed).join() === [4, 3, 2, 1, 0].map((back) => last - back).join());
  },
};

/** A delete at the very revision of the compaction is seen by a watch from there, or the watch is told that it is too late. */
export const compactionAtDelete: Scenario = {
  name: 'compaction-at-delete',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    for (let round = 0; round < 10; round++) {
      await stage.put(leader, 'k', `value ${round}`);
      const { revision } = await stage.done(leader, { kind: 'delete', key: 'k' });
      const [a, b] = stage.others(leader);
      if (a === undefined || b === undefined) return;
      const compacted = stage.done(leader, { kind: 'compact', revision });
      const watches = [leader, a, b].map((host, i) =>
        stage.watch(host, `w${round}-${i}`, { key: 'k', startRevision: revision }),
      );
      await compacted;
      watches.push(stage.watch(a, `after-${round}`, { key: 'k', startRevision: revision }));
      await stage.until('each has the delete, or is told', 10, () =>
        watches.every((watching) => watching.events.length > 0 || watching.compactRevision !== undefined),
      );
      for (const watching of watches) {
        const [event] = watching.events;
        stage.expect(
          'the delete is not missed',
          event === undefined || (event.kind === 'delete' && event.kv.modRevision === revision),
        );
        watching.call.cancel();
      }
    }
  },
};

export const slowWatcher: Scenario = {
  name: 'slow-watcher',
  stage: { size: 3, watchProgressMs: 1000 },
  play: async (stage) => {
    const leader = await stage.start();
    const slow = stage.watch(leader, 'slow', { key: 'k', end: 'l', progressNotify: true });
    await stage.until('it is created', 5, () => slow.created);
    slow.call.read(false);
    const written: number[] = [];
    const value = 'x'.repeat(100_000);
    for (let i = 0; i < 80; i++) written.push(await stage.put(leader, `k${i % 5}`, value));
    slow.askProgress();
    await stage.sleep(3);
    stage.expect('nothing is sent ahead to one that does not read', slow.bookmarks.length === 0);
    slow.call.read(true);
    await stage.until('it gets everything', 30, () => slow.events.length === written.length);
    stage.expect('in order, each once', revisions(slow).join() === written.join());
    await stage.until('then a bookmark', 10, () => slow.bookmarks.some((revision) => revision >= (written.at(-1) ?? 0)));
  },
};

export const watchOnCutMember: Scenario = {
  name: 'watch-on-cut-member',
  stage: { size: 3, snapshotCount: 20, catchUpEntries: 5 },
  play: async (stage) => {
    const leader = await stage.start();
    const [cut] = stage.others(leader);
    if (cut === undefined) return;
    const written: number[] = [];
    const watching = stage.watch(cut, 'w', { key: 'k', end: 'l' });
    await stage.until('it is created', 5, () => watching.created);
    for (let i = 0; i < 10; i++) written.push(await stage.put(leader, `k${i % 3}`, `before ${i}`));
    const heal = stage.cut([cut], stage.others(cut));
    // More than is kept: the member will get a snapshot.
    for (let i = 0; i < 60; i++) written.push(await stage.put(leader, `k${i % 3}`, `meanwhile ${i}`));
    await stage.sleep(3);
    heal();
    for (let i = 0; i < 10; i++) written.push(await stage.put(leader, `k${i % 3}`, `after ${i}`));
    await stage.until('everything comes', 30, () => watching.events.length >= written.length);
    stage.expect('in order, each once, none from the past', revisions(watching).join() === written.join());
  },
};

export const watchOnFutureRevision: Scenario = {
  name: 'watch-on-future-revision',
  stage: { size: 3, watchProgressMs: 500 },
  play: async (stage) => {
    const leader = await stage.start();
    let revision = await stage.put(leader, 'k', 'first');
    const from = revision + 10;
    const watches = stage.hosts.map((host, i) =>
      stage.watch(host, `w${i}`, { key: 'k', startRevision: from, progressNotify: true }),
    );
    await stage.until('they are created', 5, () => watches.every(({ created }) => created));
    for (const watching of watches) watching.askProgress();
    while (revision < from + 5) {
      revision = await stage.put(leader, 'k', `value of ${revision + 1}`);
      await stage.sleep(0.3);
    }
    await stage.until('all have the events', 10, () => watches.every(({ events }) => events.length === 6));
    for (const watching of watches) stage.expect('none before the revision asked for', revisions(watching)[0] === from);
  },
};
