// Time, randomness and the process are ports: outside adapters nothing reaches for the real ones.
import type { Finding } from './finding.ts';
import { codeOf, type SourceFile } from './source-files.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
}

const bans: readonly Ban[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\s*\)/, message: 'use Clock.wallMs() or Clock.monotonicMs()' },
  { pattern: /\bperformance\.now\b|\bprocess\.hrtime\b/, message: 'use Clock.monotonicMs()' },
  { pattern: /(?<![.\w])set(?:Timeout|Interval)\(/, message: 'use Clock.timer() or Clock.sleep()' },
  { pattern: /\bMath\.random\b/, message: 'use a named stream of Random' },
  { pattern: /\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/, message: 'use a named stream of Random' },
  { pattern: /(?<![.\w])process\./, message: 'take what is needed as a parameter; only adapters see the process' },
  { pattern: /(?<![.\w])console\./, message: 'use Log' },
  { pattern: /\.localeCompare\(|\bIntl\./, message: 'compare with < and >; ICU differs between machines' },
];

/** Reads `adapters.txt`: one path per line, a reason after `#`. */
export function parseAdapters(text: string): Map<string, string> {
  const adapters = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [path, reason] = line.split('#').map((part) => part.trim());
    if (path) adapters.set(path, reason ?? '');
  }
  return adapters;
}

/** Findings in the libs; apps, tests and listed adapters may touch the real world. */
export function checkDeterminism(files: readonly SourceFile[], adapters: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  const known = new Set(files.map((file) => file.path));
  for (const [path, reason] of adapters) {
    if (!known.has(path)) findings.push({ path: 'test/tidy/adapters.txt', line: 1, message: `${path} does not exist` });
    if (reason === '') findings.push({ path: 'test/tidy/adapters.txt', line: 1, message: `${path} needs a reason after #` });
  }
  for (const file of files) {
    if (!file.path.startsWith('libs/') || file.path.endsWith('.test.ts') || adapters.has(file.path)) continue;
    if (file.path.includes('/generate/') || file.path.includes('/testing/')) continue;
    codeOf(file.text)
      .split('\n')
      .forEach((line, index) => {
        for (const ban of bans) {
          const match = ban.pattern.exec(line);
          if (match !== null)
            findings.push({ path: file.path, line: index + 1, message: `${match[0].trim()}: ${ban.message}` });
        }
      });
  }
  return findings;
}
