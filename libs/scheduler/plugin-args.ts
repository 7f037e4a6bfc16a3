// `pluginConfig` of a profile: arguments of the plugins, checked as upstream does.
// https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/
import { qualifiedNameErrors } from '@drydock/api/names.ts';
import { ConfigError, isMap } from './config-error.ts';
import type { PodTopologySpreadArgs } from './plugins/pod-topology-spread.ts';
import { defaultPluginArgs, type PluginArgs } from './profile.ts';
import type { DefaultConstraint } from './spread-constraints.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The plugins whose arguments have an effect, with the fields that they know. */
const known: Readonly<Record<string, readonly string[]>> = {
  InterPodAffinity: ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods'],
  PodTopologySpread: ['defaultConstraints', 'defaultingType'],
  VolumeBinding: ['bindTimeoutSeconds', 'shape'],
};

export function parsePluginArgs(list: unknown, at: string): PluginArgs {
  if (!Array.isArray(list)) throw new ConfigError(`${at}: expected a list`);
  const seen = new Set<string>();
  let args = defaultPluginArgs;
  list.forEach((each: unknown, i) => {
    const here = `${at}[${i}]`;
    if (!isMap(each) || typeof each.name !== 'string') throw new ConfigError(`${here}.name: Required value`);
    if (seen.has(each.name)) throw new ConfigError(`${here}: Duplicate value: ${JSON.stringify(each.name)}`);
    seen.add(each.name);
    args = { ...args, ...argsOf(each.name, each.args ?? {}, `${here}.args`) };
  });
  return args;
}

function argsOf(name: string, args: unknown, at: string): Partial<PluginArgs> {
  const fields = known[name];
  if (fields === undefined) throw new ConfigError(`${at}: ${name} takes no arguments here`);
  if (!isMap(args)) throw new ConfigError(`${at}: expected ${name}Args`);
  if (args.kind !== undefined && args.kind !== `${name}Args`)
    throw new ConfigError(`${at}: Invalid value: ${JSON.stringify(args.kind)}: has to match plugin args`);
  for (const field of Object.keys(args))
    if (!['apiVersion', 'kind', ...fields].includes(field))
      throw new ConfigError(`${at}: unknown field ${JSON.stringify(field)}`);
  switch (name) {
    case 'InterPodAffinity':
      return { interPodAffinity: interPodAffinityArgs(args, at) };
    case 'PodTopologySpread':
      return { podTopologySpread: podTopologySpreadArgs(args, at) };
    default:
      return { bindTimeoutMs: bindTimeout(args, at) };
  }
}

function interPodAffinityArgs(args: Fields, at: string): PluginArgs['interPodAffinity'] {
  const { hardPodAffinityWeight: weight = 1, ignorePreferredTermsOfExistingPods: ignore = false } = args;
  if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0 || weight > 100)
    throw invalid(`${at}.hardPodAffinityWeight`, weight, 'not in valid range [0, 100]');
  if (typeof ignore !== 'boolean') throw new ConfigError(`${at}.ignorePreferredTermsOfExistingPods: expected true or false`);
  return { hardPodAffinityWeight: weight, ignorePreferredTermsOfExistingPods: ignore };
}

function podTopologySpreadArgs(args: Fields, at: string): PodTopologySpreadArgs {
  const { defaultingType: type = 'System', defaultConstraints = [] } = args;
  if (type !== 'System' && type !== 'List')
    throw new ConfigError(
      `${at}.defaultingType: Unsupported value: ${JSON.stringify(type)}: supported values: "List", "System"`,
    );
  if (!Array.isArray(defaultConstraints)) throw new ConfigError(`${at}.defaultConstraints: expected a list`);
  if (type === 'System') {
    if (defaultConstraints.length > 0) throw invalid(`${at}.defaultingType`, type, 'when .defaultConstraints are not empty');
    return defaultPluginArgs.podTopologySpread;
  }
  const constraints = defaultConstraints.map((each: unknown, i) => constraintAt(each, `${at}.defaultConstraints[${i}]`));
  constraints.forEach(({ topologyKey, whenUnsatisfiable }, i) => {
    const same = (other: DefaultConstraint) =>
      other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable;
    if (constraints.findIndex(same) < i)
      throw new ConfigError(
        `${at}.defaultConstraints[${i}]: Duplicate value: ${JSON.stringify(`{${topologyKey}, ${whenUnsatisfiable}}`)}`,
      );
  });
  return { defaultConstraints: constraints, isSystem: false };
}

function constraintAt(constraint: unknown, at: string): DefaultConstraint {
  if (!isMap(constraint)) throw new ConfigError(`${at}: expected a constraint`);
  const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector } = constraint;
  if (typeof maxSkew !== 'number' || !Number.isInteger(maxSkew) || maxSkew <= 0)
    throw invalid(`${at}.maxSkew`, maxSkew ?? 0, 'not in valid range (0, inf)');
  if (typeof topologyKey !== 'string' || topologyKey === '')
    throw new ConfigError(`${at}.topologyKey: Required value: can not be empty`);
  for (const problem of qualifiedNameErrors(topologyKey)) throw invalid(`${at}.topologyKey`, topologyKey, problem);
  if (whenUnsatisfiable === undefined || whenUnsatisfiable === '')
    throw new ConfigError(`${at}.whenUnsatisfiable: Required value: can not be empty`);
  if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway')
    throw new ConfigError(
      `${at}.whenUnsatisfiable: Unsupported value: ${JSON.stringify(whenUnsatisfiable)}: supported values: "DoNotSchedule", "ScheduleAnyway"`,
    );
  if (labelSelector !== undefined)
    throw new ConfigError(
      `${at}.labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`,
    );
  return { maxSkew, topologyKey, whenUnsatisfiable };
}

function bindTimeout({ bindTimeoutSeconds: seconds = 600, shape }: Fields, at: string): number {
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0)
    throw invalid(`${at}.bindTimeoutSeconds`, seconds, 'invalid BindTimeoutSeconds, should not be a negative value');
  if (shape !== undefined)
    throw invalid(
      `${at}.shape`,
      shape,
      'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
    );
  return seconds * 1000;
}

function invalid(at: string, value: unknown, why: string): ConfigError {
  return new ConfigError(`${at}: Invalid value: ${JSON.stringify(value)}: ${why}`);
}
