// What Raft says, as lines that people read: the output of transcripts.
import { decodeConfigChange } from '../config-codec.ts';
import type { ConfState, Entry, Message, RaftStatus, Ready } from '../types.ts';

const decoder = new TextDecoder();

/** `term/index "text"`. */
export function renderEntry(entry: Entry): string {
  return `${entry.term}/${entry.index} ${renderPayload(entry)}`;
}

function renderPayload({ type, data }: Pick<Entry, 'type' | 'data'>): string {
  if (type === 'normal') return data.length === 0 ? '(empty)' : JSON.stringify(decoder.decode(data));
  const { steps } = decodeConfigChange(data);
  return steps.length === 0 ? 'leave joint' : steps.map(({ type: kind, id }) => `${kind} ${id}`).join(', ');
}

export function renderEntries(entries: readonly Entry[]): string {
  return entries.map(renderEntry).join(', ');
}

export function renderConf(conf: ConfState): string {
  const parts = [`voters ${conf.voters.join(' ')}`];
  if (conf.votersOutgoing.length > 0) parts.push(`and, until left, ${conf.votersOutgoing.join(' ')}`);
  if (conf.learners.length > 0) parts.push(`learners ${conf.learners.join(' ')}`);
  if (conf.learnersNext.length > 0) parts.push(`then learners ${conf.learnersNext.join(' ')}`);
  return parts.join(', ');
}

export function renderMessage(message: Message): string {
  const { from, to, term, type } = message;
  return `${from}->${to} ${type}${term > 0 ? ` term ${term}` : ''}${renderBody(message)}`;
}

function renderBody(message: Message): string {
  switch (message.type) {
    case 'appendRequest': {
      const entries = message.entries.length > 0 ? ` [${renderEntries(message.entries)}]` : '';
      return `, after ${message.prevTerm}/${message.prevIndex}${entries}, commit ${message.commit}`;
    }
    case 'appendResponse':
      return message.reject
        ? `, rejects ${message.index}, try ${message.hintTerm}/${message.hintIndex}`
        : `, has up to ${message.index}`;
    case 'voteRequest':
    case 'preVoteRequest':
      return `, log ends at ${message.lastTerm}/${message.lastIndex}${message.transfer ? ', by transfer' : ''}`;
    case 'voteResponse':
    case 'preVoteResponse':
      return message.reject ? `, no (committed ${message.commitTerm}/${message.commit})` : ', yes';
    case 'heartbeatRequest':
      return `, commit ${message.commit}${message.readSequence > 0 ? `, read round ${message.readSequence}` : ''}`;
    case 'heartbeatResponse':
      return message.readSequence > 0 ? `, read round ${message.readSequence}` : '';
    case 'snapshotRequest': {
      const { index, term, conf } = message.snapshot.meta;
      return `, state at ${term}/${index}, ${renderConf(conf)}`;
    }
    case 'proposeForward':
      return `, ${message.entries.map(renderPayload).join(', ')}`;
    case 'readIndexForward':
      return `, read ${message.context}`;
    case 'readIndexResponse':
      return `, read ${message.context} at ${message.index}`;
    case 'transferForward':
      return `, to ${message.transferee}`;
    case 'timeoutNow':
      return '';
  }
}

/** Each line once, with how often it came. */
export function counted(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => (count > 1 ? `${line} (${count} times)` : line));
}

/** A Ready in the order in which it is to be done. */
export function renderReady(ready: Ready): string[] {
  const lines: string[] = [];
  for (const { name, fields } of ready.trace) {
    const text = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
    lines.push(`* ${[name, ...text].join(' ')}`);
  }
  lines.push(...counted(ready.messagesBeforeSync.map((message) => `send    ${renderMessage(message)}`)));
  if (ready.snapshot !== undefined) lines.push(`install snapshot ${ready.snapshot.meta.term}/${ready.snapshot.meta.index}`);
  if (ready.entries.length > 0) lines.push(`append  ${renderEntries(ready.entries)}`);
  if (ready.hardState !== undefined) {
    const { term, vote, commit } = ready.hardState;
    lines.push(`save    term ${term}, vote ${vote === 0n ? 'none' : vote}, commit ${commit}`);
  }
  if (ready.mustSync) lines.push('sync');
  lines.push(...counted(ready.messages.map((message) => `send    ${renderMessage(message)}`)));
  if (ready.committed.length > 0) lines.push(`apply   ${renderEntries(ready.committed)}`);
  for (const { context, index } of ready.reads) lines.push(`read    ${context} may be served at ${index}`);
  return lines;
}

export function renderStatus(status: RaftStatus): string[] {
  const { id, role, term, leader, commit, lastIndex, conf } = status;
  const of = leader === 0n ? 'no leader' : `leader ${leader}`;
  const lines = [`${id}: ${role} in term ${term}, ${of}, log up to ${lastIndex}, commit ${commit}, ${renderConf(conf)}`];
  for (const [peer, { state, match, next, isLearner }] of status.progress) {
    if (peer !== id) lines.push(`  ${peer}: ${state}, match ${match}, next ${next}${isLearner ? ', learner' : ''}`);
  }
  return lines;
}
