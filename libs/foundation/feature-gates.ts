// --feature-gates as upstream's programs read it (k8s.io/component-base/featuregate): names, stages and locks from the table; a
// gate that a program does not act on is accepted with a warning where it is set against its default.
import { type FeatureGate, type FeatureGateName, featureGateTable } from './feature-gate-table.ts';
import { FlagError, flag } from './flags.ts';
import type { Log } from './log.ts';

/** How a program's flag is written: `components` takes `kube:` before a name (control plane), `pairs` does not (nodes). */
export type GateSyntax = 'components' | 'pairs';

export interface FeatureGates {
  enabled(name: FeatureGateName): boolean;
  /** What the program should say once in its log. */
  readonly warnings: readonly string[];
}

/** The flag; hand its value to `readGateFlag`. */
export const featureGatesFlag = flag('strings', [], 'Comma-separated list of key=value pairs that switch features on or off.');

/** The settings of a flag's `name=value` parts. Fails with upstream's FlagError for what is not a pair of name and bool. */
export function readGateFlag(parts: readonly string[], syntax: GateSyntax): Map<string, boolean> {
  const settings = new Map<string, boolean>();
  for (const part of parts.filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const name = componentFree((at < 0 ? part : part.slice(0, at)).trim(), syntax);
    if (at < 0) throw new FlagError(syntax === 'pairs' ? malformedPair(parts) : `missing bool value for ${name}`);
    const text = part.slice(at + 1).trim();
    const value = readBool(text);
    if (value === undefined) {
      const problem = `err: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
      throw new FlagError(
        syntax === 'pairs'
          ? `invalid argument ${JSON.stringify(parts.join(','))} for "--feature-gates" flag: invalid value of ${name}: ${text}, ${problem}`
          : `invalid value of ${name}=${text}, ${problem}`,
      );
    }
    settings.set(name, value);
  }
  return settings;
}

function malformedPair(parts: readonly string[]): string {
  return `invalid argument ${JSON.stringify(parts.join(','))} for "--feature-gates" flag: malformed pair, expect string=bool`;
}

function componentFree(name: string, syntax: GateSyntax): string {
  const colon = name.indexOf(':');
  if (syntax === 'pairs' || colon < 0) return name;
  const component = name.slice(0, colon);
  if (component !== 'kube') throw new FlagError(`component not registered: ${component}`);
  return name.slice(colon + 1);
}

function readBool(text: string): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

const table: Readonly<Record<string, FeatureGate>> = featureGateTable;
const groups: Readonly<Record<string, FeatureGate['stage']>> = { AllAlpha: 'ALPHA', AllBeta: 'BETA' };

/**
 * The gates under `settings` (of a flag, or `featureGates` of a configuration file). `acts`: those that the program acts on.
 * Fails with FlagError for a locked gate and for one that needs another; a gate that nobody knows is a warning, as upstream's.
 */
export function featureGates(settings: ReadonlyMap<string, boolean>, acts: readonly FeatureGateName[]): FeatureGates {
  const warnings: string[] = [];
  const values = new Map(Object.entries(table).map(([name, gate]) => [name, gate.default]));
  for (const [name, value] of settings) {
    const gate = Object.hasOwn(table, name) ? table[name] : undefined;
    if (gate === undefined) warnings.push(`unrecognized feature gate: ${name}`);
    else if (gate.locked && value !== gate.default)
      throw new FlagError(`cannot set feature gate ${name} to ${value}, feature is locked to ${gate.default}`);
    else if (gate.stage === 'GA' || gate.stage === 'DEPRECATED') {
      const stage = gate.stage === 'GA' ? 'GA' : 'deprecated';
      warnings.push(`setting ${stage} feature gate ${name}=${value}. It will be removed in a future release.`);
    }
    if (gate !== undefined) values.set(name, value);
  }
  for (const [group, stage] of Object.entries(groups)) {
    const value = settings.get(group);
    if (value === undefined) continue;
    for (const [name, gate] of Object.entries(table)) if (gate.stage === stage && !settings.has(name)) values.set(name, value);
  }
  refuseLonely(values, settings);
  warnings.push(...unserved(values, settings, acts));
  return { enabled: (name) => values.get(name) === true, warnings };
}

/** Upstream checks what a gate needs where that gate or the one it needs was set by name. */
function refuseLonely(values: ReadonlyMap<string, boolean>, settings: ReadonlyMap<string, boolean>): void {
  const problems: string[] = [];
  for (const [name, gate] of Object.entries(table)) {
    if (values.get(name) !== true) continue;
    const off = gate.needs.filter((each) => values.get(each) === false && (settings.has(each) || settings.has(name)));
    if (off.length > 0) problems.push(`${name} is enabled, but depends on features that are disabled: [${off.join(' ')}]`);
  }
  if (problems.length > 0) throw new FlagError(problems.length === 1 ? String(problems[0]) : `[${problems.join(', ')}]`);
}

function* unserved(
  values: ReadonlyMap<string, boolean>,
  settings: ReadonlyMap<string, boolean>,
  acts: readonly string[],
): Generator<string> {
  for (const name of settings.keys()) {
    const gate = table[name];
    if (gate === undefined || acts.includes(name) || values.get(name) === gate.default) continue;
    const stage = Object.hasOwn(groups, name) ? groups[name] : undefined;
    if (stage === undefined) yield `feature gate ${name}=${values.get(name)} accepted but it has no effect here`;
    else {
      const served = acts.filter((each) => table[each]?.stage === stage);
      yield `feature gate ${name}=${values.get(name)}: of these gates [${served.join(' ')}] have an effect here`;
    }
  }
}

/** What a program does at its start: reads its flag, says the warnings, and keeps the gates. */
export function startFeatureGates(
  parts: readonly string[],
  syntax: GateSyntax,
  acts: readonly FeatureGateName[],
  log: Pick<Log, 'warn'>,
): FeatureGates {
  const gates = featureGates(readGateFlag(parts, syntax), acts);
  for (const warning of gates.warnings) log.warn({ flag: '--feature-gates' }, warning);
  return gates;
}
