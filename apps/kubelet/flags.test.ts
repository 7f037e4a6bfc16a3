// No flag that asks for safety is passed over: every flag of the original is served, refused or warned of.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { FlagDialect } from '@drydock/foundation/flags.ts';
import { endedProgram } from '@drydock/foundation/testing/ended-program.ts';
import { flagProblems } from '@drydock/foundation/testing/upstream-flags.ts';
import { flags, ignoredFlags, refusedFlags } from '@drydock/kubelet/config.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

const dialect: FlagDialect = { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags };

test('the flags are those of the original, and --node-agent-port', () => {
  expect(flagProblems('kubelet', flags, dialect, ['node-agent-port'])).toEqual([]);
});

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/kubelet-flags-`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

/** Without a kubeconfig it gets no further than its configuration. */
function start(file: string, ...args: string[]) {
  const path = `${folder}/config.yaml`;
  writeFileSync(path, `${head}${file}`);
  const all = [
    `--config=${path}`,
    '--kubeconfig=/nowhere',
    '--container-runtime-endpoint=hollow://',
    `--root-dir=${folder}`,
    ...args,
  ];
  const { status, stdout, stderr } = endedProgram(new URL('./main.ts', import.meta.url), ...all);
  return { status, output: `${stdout}${stderr}` };
}

test.each([
  ['rotateCertificates: true', [], 'rotateCertificates is not served here: '],
  ['maxPods: many', [], 'error failed to decode: json: cannot unmarshal string into Go struct field'],
])(
  'the program ends with %s %j',
  (file, args, message) => {
    const { status, output } = start(file, ...args);
    expect(output).toContain(message);
    expect(status).toBe(1);
  },
  90_000,
);

test('the program warns once of what it leaves out', () => {
  const { output } = start(
    'nope: 1\nmaxPods: 1\nmaxPods: 2\nhairpinMode: none\nfeatureGates: {Nope: true}',
    '--hairpin-mode=none',
  );
  for (const text of [
    'unknown field \\"nope\\"',
    'hairpinMode',
    '--hairpin-mode',
    'unrecognized feature gate: Nope',
    'Map keys must be unique',
  ])
    expect(output.split(text).length - 1, text).toBe(1);
}, 90_000);
