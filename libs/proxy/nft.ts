// Adapter: nftables and conntrack of this network namespace, through their command-line tools.
import { spawn } from '@drydock/foundation/child-process.ts';
import { type Flow, type FlowGroup, parseFlows } from './conntrack-plan.ts';
import { wholeInput } from './nft-input.ts';
import { readContents, type TableContents } from './table-contents.ts';

/** Where rules go. Errors carry what the tool said. */
export interface RuleSink {
  /** What the table has; nothing where there is no table. `filled`: the maps and sets whose elements are to be counted. */
  contents(table: string, filled: readonly string[]): Promise<TableContents>;
  /** All lines or none, also where this process is killed meanwhile. */
  apply(lines: readonly string[]): Promise<void>;
  udpFlows(): Promise<Flow[]>;
  /** Flows that are gone already are no error. */
  deleteFlows(groups: readonly FlowGroup[]): Promise<void>;
}

/** A tool that answers with an exit code other than 0. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/** The most of a tool's output that is read. */
const outputBytesMax = 64 * 1024 * 1024;
/** A tool that takes longer is killed: nftables' own lock can be held by others. */
const toolMs = 120_000;

/** The tools of this network namespace, or of another that the words of `enter` lead into (`nsenter --net=FILE`). */
export function nftSink(enter: readonly string[] = []): RuleSink {
  const run = (command: string, args: readonly string[], input?: string) => {
    const [first = command, ...rest] = [...enter, command, ...args];
    return runTool(first, rest, input);
  };
  const listed = async (...what: string[]): Promise<unknown> => {
    try {
      return JSON.parse(await run('nft', ['-j', ...what]));
    } catch (error) {
      if (error instanceof ToolError && error.message.includes('No such file or directory')) return { nftables: [] };
      throw error;
    }
  };
  return {
    async contents(table, filled) {
      // Without elements: those of session affinity may be many, and are nobody's to count.
      const contents = readContents(await listed('-t', 'list', 'table', 'ip', table));
      const lookups = filled.filter((name) => contents.maps.has(name) || contents.sets.has(name));
      for (const name of lookups) {
        const kind = contents.maps.has(name) ? 'map' : 'set';
        const { maps, sets } = readContents(await listed('list', kind, 'ip', table, name));
        for (const [each, size] of kind === 'map' ? maps : sets) contents[`${kind}s`].set(each, size);
      }
      return contents;
    },
    async apply(lines) {
      await run('nft', ['-f', '-'], `${lines.join('\n')}\n`);
    },
    async udpFlows() {
      return parseFlows(await run('conntrack', ['-L', '-p', 'udp', '-f', 'ipv4']));
    },
    async deleteFlows(groups) {
      const lines = groups.map((group) => deletion(group).join(' '));
      try {
        // One process for all of them, where the tool can (conntrack-tools 1.4.7).
        await run('conntrack', ['-R', '-'], `${lines.join('\n')}\n`);
      } catch (error) {
        if (!(error instanceof ToolError)) throw error;
        for (const group of groups) await run('conntrack', deletion(group)).catch(unlessGone);
      }
    },
  };
}

function deletion({ destination, destinationPort, replySource, replySourcePort }: FlowGroup): string[] {
  const original = ['--orig-dst', destination, '--orig-port-dst', String(destinationPort)];
  return ['-D', '-p', 'udp', ...original, '--reply-src', replySource, '--reply-port-src', String(replySourcePort)];
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ToolError && error.message.includes('0 flow entries'))) throw error;
}

async function runTool(command: string, args: readonly string[], input?: string): Promise<string> {
  if (input === undefined) return await runWith(command, args, 'ignore');
  const file = await wholeInput(input);
  try {
    return await runWith(command, args, file.fd);
  } finally {
    await file.close();
  }
}

function runWith(command: string, args: readonly string[], stdin: 'ignore' | number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: [stdin, 'pipe', 'pipe'], timeout: toolMs, killSignal: 'SIGKILL' });
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      if (out.length > outputBytesMax) child.kill('SIGKILL');
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      err = (err + chunk).slice(0, 4096);
    });
    child.on('error', (cause) => reject(new ToolError(`${command}: ${cause.message}`, { cause })));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new ToolError(`${command} ${args.join(' ')}: ${signal ?? `exit status ${code}`}: ${err.trim()}`));
    });
  });
}
