// The original kube-apiserver, where one runs: what is recorded from it is what tests of ours expect.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type WireAnswer, type WireClient, type WireRequest, wireClient } from './wire.ts';

/**
 * Clients of the original that DRYDOCK_ORIGINAL names as `https://HOST:PORT,FOLDER` (a folder with ca.crt, admin.crt and
 * admin.key of a master, who then acts as the user asked for); undefined without it.
 */
export function originalFrom(
  setting: string | undefined,
): ((user: string, ...groups: string[]) => Promise<WireClient>) | undefined {
  if (setting === undefined || setting === '') return undefined;
  const [base = '', folder = ''] = setting.split(',');
  const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');
  const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
  return async (user, ...groups) =>
    wireClient(base, tls, user === 'admin' ? {} : { 'impersonate-user': user, 'impersonate-group': groups });
}

/** Answers in the order they were asked for, to compare with a file that was recorded from the original. */
export class Recording {
  readonly #lines: string[] = [];
  readonly #names = new Map<string, string>();

  /** Writes `name` for a value that differs from run to run. */
  hide(value: string, name: string): void {
    this.#names.set(value, name);
  }

  async ask(title: string, client: WireClient, method: string, path: string, request: WireRequest = {}): Promise<WireAnswer> {
    const answer = await client.call(method, path, request);
    let text = shown(answer);
    for (const [value, name] of this.#names) text = text.replaceAll(value, name);
    this.#lines.push(`${title}: ${method} ${path}\n  ${text}`);
    return answer;
  }

  /** Adds a line to what was asked last. */
  note(text: string): void {
    this.#lines.push(`  ${text}`);
  }

  /** Compares with the file; with UPDATE=1 writes it. */
  check(file: URL, update: boolean): void {
    const text = `${this.#lines.join('\n')}\n`;
    if (update) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  }
}

/** The original also tells how its structures differ, in Go's words, which nobody else can. */
const goDifference = /\n@@ .*?(\]?)$/s;

function shown({ code, body }: WireAnswer): string {
  if (body?.kind !== 'Status' || body.status !== 'Failure') return `${code} ${body?.kind ?? body}`;
  return `${code} ${String(body.message).replace(goDifference, '$1')}`;
}
