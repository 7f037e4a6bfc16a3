// Runs a transcript: blocks of a command, `----`, and its output. Lines that start with # are the story.
import type { ConfigChangeType, MemberId, Message } from '../types.ts';
import { Checker } from './checker.ts';
import { TestMember } from './member.ts';
import { counted, renderEntries, renderMessage, renderReady, renderStatus } from './render.ts';

/** A command that does not exist, or that names nobody. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

/** Every block's output, produced anew; all else as it was. Throws SafetyViolation where a property of Raft breaks on the way. */
export function runTranscript(text: string): string {
  const stage = new Stage();
  const out: string[] = [];
  for (const block of text.trim().split(/\n\n+/)) {
    const lines = block.split('\n');
    const story = lines.filter((line) => line.startsWith('#'));
    const command = lines.find((line) => !line.startsWith('#'));
    if (command === undefined) {
      out.push(story.join('\n'));
      continue;
    }
    const output = stage.run(command);
    out.push([...story, command, '----', ...(output.length > 0 ? output : ['ok'])].join('\n'));
  }
  return `${out.join('\n\n')}\n`;
}

const changeTypes: Readonly<Record<string, ConfigChangeType>> = { v: 'addVoter', l: 'addLearner', r: 'remove', u: 'update' };

class Stage {
  #members: TestMember[] = [];
  #network: Message[] = [];
  /** Ways on which nothing arrives: `from>to`. */
  #cut = new Set<string>();
  readonly #commands: Readonly<Record<string, (args: string[]) => string[]>> = {
    cluster: (args) => this.#create(args),
    tick: ([id, count = '1']) => this.#on(id, (member) => repeat(Number(count), () => member.node.tick())),
    campaign: ([id]) => this.#on(id, (member) => member.node.campaign()),
    elect: ([id]) => this.#elect(this.#member(id)),
    propose: ([id, ...text]) => [this.#member(id).node.propose(new TextEncoder().encode(text.join(' ')))],
    read: ([id, context = '1']) => this.#on(id, (member) => member.node.readIndex(BigInt(context))),
    transfer: ([id, to = '0']) => this.#on(id, (member) => member.node.transferLeadership(BigInt(to))),
    change: ([id, ...steps]) => [this.#change(this.#member(id), steps)],
    run: (ids) => this.#run(ids),
    deliver: (ids) => this.#deliver((id) => ids.includes(String(id))).lost,
    unreachable: ([id, other = '0']) => this.#on(id, (member) => member.node.reportUnreachable(BigInt(other))),
    begin: ([id]) => this.#begin(this.#member(id)),
    finish: ([id]) => this.#on(id, (member) => member.finish((message) => this.#network.push(message))),
    cut: (ways) => this.#cutWays(ways),
    settle: (ids) => decisionsOf(this.#run(ids)),
    pass: ([count = '1', ...ids]) => this.#pass(Number(count), ids),
    heal: () => {
      this.#cut.clear();
      return [];
    },
    crash: (ids) => this.#each(ids, (id) => this.#member(String(id)).crash()),
    restart: (ids) => this.#each(ids, (id) => this.#member(String(id)).restart()),
    compact: ([id, keep = '0']) => this.#on(id, (member) => member.compact(Number(keep))),
    status: ([id]) => renderStatus(this.#member(id).node.status()),
    log: ([id]) => this.#log(this.#member(id)),
  };

  run(line: string): string[] {
    const [name = '', ...args] = line.split(' ');
    const command = this.#commands[name];
    if (command === undefined)
      throw new TranscriptError(`no command ${name}; there are ${Object.keys(this.#commands).join(', ')}`);
    return command(args);
  }

  /** `cluster 3 of 4`: four members, of whom the first three vote. Timeouts are 10 ticks and the member's id, so that none tie. */
  #create([voters = '3', , total = voters]: string[]): string[] {
    const ids = Array.from({ length: Number(total) }, (_, i) => BigInt(i + 1));
    const options = {
      electionTicks: 10,
      heartbeatTicks: 1,
      preVote: true,
      checkQuorum: true,
      maxMessageBytes: 64,
      maxInflightMessages: 4,
      maxUncommittedBytes: 1 << 20,
      maxCommittedBytesPerReady: 1 << 20,
    };
    const random = (id: MemberId) => (bound: number) => Number(id) % bound;
    const checker = new Checker();
    this.#network = [];
    this.#cut.clear();
    this.#members = ids.map(
      (id) => new TestMember(id, ids.slice(0, Number(voters)), { ...options, random: random(id) }, checker),
    );
    return [];
  }

  /** An election without its details. */
  #elect(member: TestMember): string[] {
    member.node.campaign();
    this.#run([]);
    const { role, term } = member.node.status();
    return [`${member.id} is ${role} in term ${term}`];
  }

  #change(member: TestMember, steps: readonly string[]): string {
    const parsed = steps.map((step) => {
      const type = changeTypes[step[0] ?? ''];
      if (type === undefined) throw new TranscriptError(`change ${step}: v, l, r or u and an id`);
      return { type, id: BigInt(step.slice(1)) };
    });
    return member.node.proposeConfigChange({ steps: parsed, context: new Uint8Array(0) });
  }

  /** Everybody (or only `ids`) does what is ready, and messages are delivered, until all is quiet. */
  #run(ids: readonly string[]): string[] {
    const lines: string[] = [];
    const takesPart = (id: MemberId): boolean => ids.length === 0 || ids.includes(String(id));
    for (let busy = true; busy; ) {
      busy = false;
      for (const member of this.#members.filter(({ alive, id }) => alive && takesPart(id))) {
        const ready = member.process((message) => this.#network.push(message));
        if (ready === undefined) continue;
        busy = true;
        const rendered = renderReady(ready);
        if (rendered.length > 0) lines.push(`${member.id}:`, ...rendered.map((line) => `  ${line}`));
      }
      const { heard, lost } = this.#deliver(takesPart);
      busy ||= heard;
      lines.push(...lost);
    }
    return lines.length > 0 ? lines : ['quiet'];
  }

  /** What is on its way to some; they hear it, and do nothing about it yet. */
  #deliver(takesPart: (id: MemberId) => boolean): { heard: boolean; lost: string[] } {
    const due = this.#network.filter((message) => takesPart(message.to));
    this.#network = this.#network.filter((message) => !takesPart(message.to));
    const lost: string[] = [];
    let heard = false;
    for (const message of due) {
      const target = this.#members.find(({ id }) => id === message.to);
      if (this.#cut.has(`${message.from}>${message.to}`) || !target?.alive) {
        lost.push(`lost: ${renderMessage(message)}`);
      } else {
        heard = true;
        target.node.step(message);
      }
    }
    return { heard, lost: counted(lost) };
  }

  /** A member hands its disk what is ready, and waits. Until `finish` it hears messages and does nothing else. */
  #begin(member: TestMember): string[] {
    const ready = member.begin((message) => this.#network.push(message));
    return ready === undefined ? ['quiet'] : renderReady(ready);
  }

  /** Time for everybody, or `ids`: so many ticks, and after each all that follows from it. Shows decisions only. */
  #pass(ticks: number, ids: readonly string[]): string[] {
    const lines: string[] = [];
    const among = this.#members.filter(({ id }) => ids.length === 0 || ids.includes(String(id)));
    for (let tick = 1; tick <= ticks; tick++) {
      for (const member of among) if (member.alive) member.node.tick();
      lines.push(...decisionsOf(this.#run([])).map((line) => `tick ${tick}: ${line}`));
    }
    return lines;
  }

  /** `3`: from everybody else; `1-2`: both ways between two; `1>2`: what 1 sends to 2. */
  #cutWays(ways: readonly string[]): string[] {
    for (const way of ways) {
      const [, from = '', kind = '', to = ''] = /^(\d+)(?:([->])(\d+))?$/.exec(way) ?? [];
      const pairs = kind === '' ? this.#members.map(({ id }) => [from, String(id)]) : [[from, to]];
      for (const [a, b] of pairs) {
        this.#cut.add(`${a}>${b}`);
        if (kind !== '>') this.#cut.add(`${b}>${a}`);
      }
    }
    return [];
  }

  #log(member: TestMember): string[] {
    const { storage } = member;
    const entries = storage.entries(storage.firstIndex(), storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
    return [`from ${storage.firstIndex()}: ${entries === 'compacted' ? '' : renderEntries(entries)}`];
  }

  #on(id: string | undefined, action: (member: TestMember) => void): string[] {
    action(this.#member(id));
    return [];
  }

  #each(ids: readonly string[], action: (id: MemberId) => void): string[] {
    for (const id of ids) action(BigInt(id));
    return [];
  }

  #member(id: string | undefined): TestMember {
    const member = this.#members.find((other) => String(other.id) === id);
    if (member === undefined) throw new TranscriptError(`no member ${id}`);
    return member;
  }
}

/** Of what `run` shows: who decided what, without the messages. */
function decisionsOf(lines: readonly string[]): string[] {
  const decisions: string[] = [];
  let who = '';
  for (const line of lines) {
    if (!line.startsWith(' ')) who = line;
    else if (line.startsWith('  * ')) decisions.push(`${who} ${line.slice(4)}`);
  }
  return decisions;
}

function repeat(count: number, action: () => void): void {
  for (let i = 0; i < count; i++) action();
}
