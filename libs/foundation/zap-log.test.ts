import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createZapLog, type ZapLogOptions } from './zap-log.ts';

function linesOf(options: Partial<ZapLogOptions>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-zap-'));
  try {
    const file = join(folder, 'log');
    const log = createZapLog({ level: 'info', format: 'json', outputs: [file], ...options });
    log.debug({}, 'quiet');
    log.child({ logger: 'raft' }).info({ id: 5n, list: ['a'] }, 'hello');
    log.warn({ err: new Error('broken') }, 'trouble');
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a line has its level, time, logger, caller, message and fields in this order', () => {
  const [first = '', second = ''] = linesOf({});
  expect(first).toMatch(
    /^\{"level":"info","ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","logger":"raft","caller":"foundation\/zap-log\.test\.ts:\d+","msg":"hello","id":"5","list":\["a"\]\}$/,
  );
  expect(JSON.parse(second)).toMatchObject({ level: 'warn', msg: 'trouble', error: 'broken' });
});

test('lines below the level are not written', () => {
  expect(linesOf({ level: 'warn' })).toHaveLength(1);
  expect(linesOf({ level: 'debug' })).toHaveLength(3);
});

test('the console format has the same parts, with tabs', () => {
  expect(linesOf({ format: 'console' })[0]).toMatch(/^\S+Z\tinfo\traft\tfoundation\/\S+\thello\t\{"id":"5","list":\["a"\]\}$/);
});
