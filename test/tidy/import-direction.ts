// Imports point one way: a lib sees what stands before it in `layers`, never its siblings, never what stands after it.
import { dirname, join, normalize } from 'node:path';
import type { Finding } from './finding.ts';
import type { SourceFile } from './source-files.ts';

/** Lowest first. The members of one layer do not import each other. */
const layers: readonly (readonly string[])[] = [
  ['libs/foundation'],
  ['libs/raft-ts', 'libs/api', 'libs/pki'],
  ['libs/etcd', 'libs/client'],
  [
    ...['libs/apiserver', 'libs/scheduler', 'libs/controllers', 'libs/kubelet', 'libs/proxy', 'libs/dns', 'libs/ingress'],
    ...['libs/metrics-server', 'libs/csi'],
  ],
  ['libs/lab', 'libs/sim'],
  ['apps', 'test'],
];

/** `libs/api` of `libs/api/patch/json.ts`; `apps` and `test` count whole. */
function unitOf(path: string): string {
  const [top, second] = path.split('/');
  return top === 'libs' ? `libs/${second}` : (top ?? '');
}

function levelOf(unit: string): number {
  return layers.findIndex((layer) => layer.includes(unit));
}

/** The repository path that a specifier in `from` points at, or undefined where it leaves the project. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  const own = /^@drydock\/([^/]+)\/(.+)$/.exec(specifier);
  if (own !== null) return `libs/${own[1]}/${own[2]}`;
  if (specifier.startsWith('raft-ts/')) return `libs/${specifier}`;
  return undefined;
}

/** Every import that goes up or sideways. */
export function checkImportDirection(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const file of files) {
    const unit = unitOf(file.path);
    const level = levelOf(unit);
    if (level < 0) {
      findings.push({ path: file.path, line: 1, message: `${unit} has no layer: add it to test/tidy/import-direction.ts` });
      continue;
    }
    file.text.split('\n').forEach((line, index) => {
      const specifier = /^\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/.exec(
        line,
      );
      const multi = /^\}\s+from\s+'([^']+)'/.exec(line);
      const text = specifier?.[1] ?? specifier?.[2] ?? specifier?.[3] ?? multi?.[1];
      if (text === undefined) return;
      const target = resolveImport(file.path, text);
      if (target === undefined) return;
      const targetUnit = unitOf(target);
      if (targetUnit === unit) return;
      if (levelOf(targetUnit) < level && levelOf(targetUnit) >= 0) return;
      const allowed = layers.slice(0, level).flat().join(', ') || 'nothing of ours';
      findings.push({
        path: file.path,
        line: index + 1,
        message: `${unit} must not import ${targetUnit} (it may import: ${allowed})`,
      });
    });
  }
  return findings;
}
