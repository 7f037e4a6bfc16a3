// Adapter: nftables and conntrack of this network namespace, through their command-line tools.
import { spawn } from '@drydock/foundation/child-process.ts';
import { type Flow, parseFlows } from './conntrack-plan.ts';
import type { KnownNames } from './rule-set.ts';

/** Where rules go. Errors carry what the tool said. */
export interface RuleSink {
  /** What the table has; empty lists where there is no table. */
  names(table: string): Promise<KnownNames>;
  /** All lines or none. */
  apply(lines: readonly string[]): Promise<void>;
  udpFlows(): Promise<Flow[]>;
  /** A flow that is gone already is no error. */
  deleteFlow(flow: Flow): Promise<void>;
}

/** A tool that answers with an exit code other than 0. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/** The most of a tool's output that is read. */
const outputBytesMax = 64 * 1024 * 1024;

/** The tools of this network namespace, or of another that the words of `enter` lead into (`nsenter --net=FILE`). */
export function nftSink(enter: readonly string[] = []): RuleSink {
  const run = (command: string, args: readonly string[], input?: string) => {
    const [first = command, ...rest] = [...enter, command, ...args];
    return runTool(first, rest, input);
  };
  return {
    async names(table) {
      const found = { maps: [] as string[], sets: [] as string[], chains: [] as string[] };
      const read = async (what: 'chains' | 'maps' | 'sets', key: string): Promise<void> => {
        const answer = JSON.parse(await run('nft', ['-j', 'list', what, 'ip'])) as {
          nftables: Record<string, { table: string; name: string }>[];
        };
        for (const entry of answer.nftables) if (entry[key]?.table === table) found[what].push(entry[key].name);
      };
      await read('chains', 'chain');
      await read('maps', 'map');
      await read('sets', 'set');
      return found;
    },
    async apply(lines) {
      await run('nft', ['-f', '-'], `${lines.join('\n')}\n`);
    },
    async udpFlows() {
      return parseFlows(await run('conntrack', ['-L', '-p', 'udp', '-f', 'ipv4']));
    },
    async deleteFlow(flow) {
      const key = ['--orig-src', flow.source, '--orig-dst', flow.destination, '-p', 'udp'];
      const ports = ['--orig-port-src', String(flow.sourcePort), '--orig-port-dst', String(flow.destinationPort)];
      await run('conntrack', ['-D', ...key, ...ports]).catch((error: unknown) => {
        if (!(error instanceof ToolError && error.message.includes('0 flow entries'))) throw error;
      });
    },
  };
}

function runTool(command: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      if (out.length > outputBytesMax) child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err = (err + chunk).slice(0, 4096);
    });
    child.on('error', (cause) => reject(new ToolError(`${command}: ${cause.message}`, { cause })));
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new ToolError(`${command} ${args.join(' ')}: exit status ${code}: ${err.trim()}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}
