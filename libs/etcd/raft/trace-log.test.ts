import type { Log } from '@drydock/foundation/log.ts';
import { expect, test } from 'vitest';
import { TraceLog } from './trace-log.ts';

test('who leads is said in the words of etcd, what it has no words for by its name', () => {
  const lines: string[] = [];
  const said = (_fields: unknown, text?: string) => {
    lines.push(text ?? '');
  };
  const nothing = () => {};
  const log = { debug: nothing, info: said, warn: said, error: said, child: () => log } as unknown as Log;
  const trace = new TraceLog(log, 'a');
  trace.write([
    { name: 'configChanged', fields: { voters: 'a b', outgoing: '' } },
    { name: 'becomeFollower', fields: { term: 1, leader: '0' } },
    { name: 'becomePreCandidate', fields: { term: 1 } },
    { name: 'becomeCandidate', fields: { term: 2 } },
    { name: 'becomeLeader', fields: { term: 2 } },
    { name: 'grantVote', fields: { to: 'b' } },
    { name: 'becomeFollower', fields: { term: 3, leader: 'b' } },
    { name: 'sendSnapshot', fields: { to: 'b', index: 5 } },
    { name: 'becomePreCandidate', fields: { term: 3 } },
    { name: 'configChanged', fields: { voters: 'a', outgoing: 'a b' } },
  ]);
  expect(lines).toEqual([
    'a switched to configuration voters=(10 11)',
    'a became follower at term 1',
    'a is starting a new election at term 1',
    'a became pre-candidate at term 1',
    'a became candidate at term 2',
    'a became leader at term 2',
    'raft.node: a elected leader a at term 2',
    'a became follower at term 3',
    'raft.node: a changed leader from a to b at term 3',
    'raft: sendSnapshot',
    'a is starting a new election at term 3',
    'a became pre-candidate at term 3',
    'raft.node: a lost leader b at term 3',
    'a switched to configuration voters=(10)&&(10 11)',
  ]);
});
