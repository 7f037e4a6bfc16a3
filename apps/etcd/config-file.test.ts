import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { argumentsOf, configFileOf } from './config-file.ts';

test('keys become flags, groups their names; what is no flag is left out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-config-'));
  try {
    const file = join(folder, 'etcd.yml');
    writeFileSync(
      file,
      'name: a\ninitial-cluster: a=http://x:1,b=http://y:2\nlog-outputs: [stderr, file]\nnosuch: 1\ndata-dir:\n' +
        'peer-transport-security:\n  cert-file: p.crt\nclient-transport-security:\n  client-cert-auth: true\n',
    );
    expect(argumentsOf(file, (name) => name !== 'nosuch')).toEqual([
      '--name=a',
      '--initial-cluster=a=http://x:1,b=http://y:2',
      '--log-outputs=stderr,file',
      '--peer-cert-file=p.crt',
      '--client-cert-auth=true',
    ]);
    expect(() => argumentsOf(join(folder, 'none'), () => true)).toThrow('no such file or directory');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [['--config-file=x'], {}, 'x'],
  [['-config-file', 'y'], {}, 'y'],
  [[], { ETCD_CONFIG_FILE: 'z' }, 'z'],
  [['--name=config-file'], {}, undefined],
])('%j with %j', (args, env, file) => {
  expect(configFileOf(args, env)).toBe(file);
});
