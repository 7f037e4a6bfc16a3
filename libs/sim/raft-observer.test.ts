// Each property of figure 3.2, kept and broken, in messages as members send them.
import type { Entry, Message } from 'raft-ts/types.ts';
import { expect, test } from 'vitest';
import { RaftObserver } from './raft-observer.ts';

const [a, b, c] = [1n, 2n, 3n];

function entry(index: number, term: number, text = `${index}@${term}`): Entry {
  return { index, term, type: 'normal', data: Buffer.from(text) };
}

function append(from: bigint, term: number, prevIndex: number, prevTerm: number, ...entries: Entry[]): Message {
  return { type: 'appendRequest', from, to: b, term, prevIndex, prevTerm, commit: 0, entries };
}

function vote(from: bigint, to: bigint, term: number): Message {
  return { type: 'voteResponse', from, to, term, reject: false, commit: 0, commitTerm: 0 };
}

function observed(...messages: Message[]): RaftObserver {
  const observer = new RaftObserver();
  for (const message of messages) observer.sent(message);
  return observer;
}

test('election safety: a term has one leader', () => {
  observed(append(a, 2, 0, 0), append(a, 2, 0, 0), append(b, 3, 0, 0));
  expect(() => observed(append(a, 2, 0, 0), append(b, 2, 0, 0))).toThrow(/^election safety: 1 and 2 both lead term 2/);
});

test('a member votes once in a term, and for nobody else when it stands itself', () => {
  observed(vote(c, a, 2), vote(c, a, 2), vote(c, b, 3));
  expect(() => observed(vote(c, a, 2), vote(c, b, 2))).toThrow(/^vote: 3 votes for 1 and 2 in term 2/);
  const stands: Message = { type: 'voteRequest', from: c, to: a, term: 2, lastIndex: 0, lastTerm: 0, transfer: false };
  expect(() => observed(stands, vote(c, a, 2))).toThrow(/^vote: /);
});

test('log matching: one index and term, one content, one entry before', () => {
  observed(append(a, 2, 1, 1, entry(2, 2)), append(a, 2, 1, 1, entry(2, 2), entry(3, 2)));
  const matching = /^log matching: /;
  expect(() => observed(append(a, 2, 1, 1, entry(2, 2)), append(b, 3, 1, 1, entry(2, 2, 'other')))).toThrow(matching);
  expect(() => observed(append(a, 2, 1, 1, entry(2, 2)), append(b, 3, 1, 0, entry(2, 2)))).toThrow(matching);
});

test('leader completeness: who leads later has what was committed earlier', () => {
  const committed = (): RaftObserver => {
    const observer = observed(append(a, 2, 1, 1, entry(2, 2)));
    observer.applied(a, [entry(2, 2)], 2, 5);
    return observer;
  };
  committed().sent(append(b, 3, 1, 1, entry(2, 2)));
  expect(() => committed().sent(append(b, 3, 1, 1, entry(2, 1)))).toThrow(
    /^leader completeness: 2, leader of 3, has entry 2 of term 1/,
  );
});

test('state machine safety: all apply the same at one index', () => {
  const observer = new RaftObserver();
  observer.applied(a, [entry(1, 1), entry(2, 1)], 1, 2);
  observer.applied(b, [entry(1, 1), entry(2, 1)], 1, 2);
  expect(observer.lastCommitted).toBe(2);
  expect(() => observer.applied(c, [entry(1, 1, 'other')], 1, 2)).toThrow(/^state machine safety: 3 applies another entry 1/);
});

test('determinism: the same entries give the same revision', () => {
  const observer = new RaftObserver();
  observer.applied(a, [entry(1, 1)], 1, 2);
  expect(() => observer.applied(b, [entry(1, 1)], 1, 3)).toThrow(
    /^determinism: after entry 1 the revision is 3 on 2 and 2 elsewhere/,
  );
});

test('members have the same configuration after the same entry', () => {
  const conf = { voters: [a, b], learners: [c], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const observer = new RaftObserver();
  observer.configured(a, 5, conf);
  observer.configured(b, 5, { ...conf });
  observer.configured(b, 6, { ...conf, voters: [a, b, c], learners: [] });
  expect(() => observer.configured(c, 6, conf)).toThrow(/^configuration: after entry 6 it is 1 2 \| 3 .* on 3/);
});
