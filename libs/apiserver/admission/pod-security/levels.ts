// Which level of the Pod Security Standards a namespace asks for, by its labels
// (https://kubernetes.io/docs/concepts/security/pod-security-admission/).

/** From the most permissive to the most restrictive. */
export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

/** A minor version of Kubernetes 1, whose checks are meant; `latest` is later than all. */
export type Version = number | 'latest';

export interface LevelVersion {
  readonly level: Level;
  readonly version: Version;
}

/** What happens to pods that violate a level: they are refused, noted in the audit log, or their user is warned. */
export const modes = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof modes)[number];
export type Policy = Readonly<Record<Mode, LevelVersion>>;

/** A label that says nothing. */
export interface LabelProblem {
  readonly label: string;
  readonly value: string;
  readonly message: string;
}

const labelPrefix = 'pod-security.kubernetes.io/';
const unrestricted: LevelVersion = { level: 'privileged', version: 'latest' };

export function isStricter(level: Level, other: Level): boolean {
  return levels.indexOf(level) > levels.indexOf(other);
}

/** `restricted:latest`, `baseline:v1.25`. */
export function describeLevel({ level, version }: LevelVersion): string {
  return `${level}:${version === 'latest' ? version : `v1.${version}`}`;
}

export function isSameLevel(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/** Labels that cannot be read ask for the most restrictive level, latest version, where pods are refused; elsewhere for nothing. */
export function policyOf(labels: Readonly<Record<string, string>> = {}): { policy: Policy; problems: LabelProblem[] } {
  const problems: LabelProblem[] = [];
  const read = <T>(name: string, parse: (text: string) => T | undefined, allowed: string, otherwise: T, broken: T): T => {
    const label = labelPrefix + name;
    const value = labels[label];
    if (value === undefined) return otherwise;
    const parsed = parse(value);
    if (parsed === undefined) problems.push({ label, value, message: `must be ${allowed}` });
    return parsed ?? broken;
  };
  const modeOf = (mode: Mode): LevelVersion => ({
    level: read(
      mode,
      parseLevel,
      `one of ${levels.join(', ')}`,
      unrestricted.level,
      mode === 'enforce' ? 'restricted' : 'privileged',
    ),
    version: read(`${mode}-version`, parseVersion, '"latest" or "v1.x"', unrestricted.version, 'latest'),
  });
  const [enforce, audit, warn] = modes.map(modeOf) as [LevelVersion, LevelVersion, LevelVersion];
  return { policy: { enforce, audit, warn }, problems };
}

function parseLevel(text: string): Level | undefined {
  return levels.find((level) => level === text);
}

function parseVersion(text: string): Version | undefined {
  if (text === 'latest') return text;
  const minor = /^v1\.([1-9][0-9]*|0)$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}
