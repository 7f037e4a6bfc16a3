// `profiles` of KubeSchedulerConfiguration: which plugins decide, and how they are set.
// https://kubernetes.io/docs/reference/scheduling/config/#profiles
import { ConfigError, isMap } from './config-error.ts';
import { parsePluginArgs } from './plugin-args.ts';
import { defaultPluginArgs, defaultProfileConfig, filterNames, type ProfileConfig, scoreWeights } from './profile.ts';

/** The extension points that each plugin has. */
const pointsOf: Readonly<Record<string, readonly string[]>> = {
  SchedulingGates: ['preEnqueue'],
  PrioritySort: ['queueSort'],
  DefaultBinder: ['bind'],
  DefaultPreemption: ['postFilter'],
  NodeUnschedulable: ['filter'],
  NodeName: ['filter'],
  TaintToleration: ['filter', 'preScore', 'score'],
  NodeAffinity: ['preFilter', 'filter', 'preScore', 'score'],
  NodePorts: ['preFilter', 'filter'],
  NodeResourcesFit: ['preFilter', 'filter', 'preScore', 'score'],
  VolumeRestrictions: ['preFilter', 'filter'],
  NodeVolumeLimits: ['preFilter', 'filter'],
  VolumeBinding: ['preFilter', 'filter', 'reserve', 'preBind'],
  VolumeZone: ['preFilter', 'filter'],
  PodTopologySpread: ['preFilter', 'filter', 'preScore', 'score'],
  InterPodAffinity: ['preFilter', 'filter', 'preScore', 'score'],
  NodeResourcesBalancedAllocation: ['preScore', 'score'],
  ImageLocality: ['score'],
};

/** Points that prepare for another, or end what it began: a plugin has both or neither. */
const partOf: Readonly<Record<string, string>> = {
  preFilter: 'filter',
  preScore: 'score',
  reserve: 'filter',
  preBind: 'filter',
};

const points = [
  ...['preEnqueue', 'queueSort', 'preFilter', 'filter', 'postFilter', 'preScore', 'score', 'reserve', 'permit', 'preBind'],
  ...['bind', 'postBind'],
];

/** Plugins without which no pod is ever bound. */
const indispensable = ['PrioritySort', 'DefaultBinder'];

const profilesMax = 32;

/** @param share percentageOfNodesToScore of profiles that do not say their own. */
export function parseProfiles(profiles: unknown, share: number): ProfileConfig[] {
  if (profiles === undefined || profiles === null || (Array.isArray(profiles) && profiles.length === 0))
    return [{ ...defaultProfileConfig, percentageOfNodesToScore: share }];
  if (!Array.isArray(profiles) || profiles.length > profilesMax)
    throw new ConfigError(`profiles: expected a list of at most ${profilesMax} profiles`);
  const parsed = profiles.map((each: unknown, i) => profileAt(each, `profiles[${i}]`, share, profiles.length === 1));
  parsed.forEach(({ schedulerName }, i) => {
    const first = parsed.findIndex((other) => other.schedulerName === schedulerName);
    if (first < i) throw new ConfigError(`profiles[${i}].schedulerName: Duplicate value: "profiles[${first}].schedulerName"`);
  });
  return parsed;
}

function profileAt(profile: unknown, at: string, share: number, alone: boolean): ProfileConfig {
  if (!isMap(profile)) throw new ConfigError(`${at}: expected a profile`);
  for (const field of Object.keys(profile))
    if (!['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig'].includes(field))
      throw new ConfigError(`${at}: unknown field ${JSON.stringify(field)}`);
  // Only where there is one profile has it a name of its own accord.
  const { schedulerName = alone ? defaultProfileConfig.schedulerName : '' } = profile;
  if (typeof schedulerName !== 'string' || schedulerName === '') throw new ConfigError(`${at}.schedulerName: Required value`);
  const enabled = enabledOf(profile.plugins, `${at}.plugins`);
  return {
    schedulerName,
    percentageOfNodesToScore: percentage(profile, `${at}.`, 'percentageOfNodesToScore') ?? share,
    filters: filterNames.filter((name) => enabled.has('filter', name)),
    scores: new Map(
      Object.entries(scoreWeights).flatMap(([name, weight]) =>
        enabled.has('score', name) ? [[name, enabled.weight(name) ?? weight] as const] : [],
      ),
    ),
    gates: enabled.has('preEnqueue', 'SchedulingGates'),
    preempts: enabled.has('postFilter', 'DefaultPreemption'),
    args: profile.pluginConfig === undefined ? defaultPluginArgs : parsePluginArgs(profile.pluginConfig, `${at}.pluginConfig`),
  };
}

export function percentage(section: Record<string, unknown>, at: string, field: string): number | undefined {
  const value = section[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 100)
    throw new ConfigError(`${at}${field}: Invalid value: ${JSON.stringify(value)}: not in valid range [0-100]`);
  return value;
}

interface PluginSet {
  readonly enabled: ReadonlyMap<string, number | undefined>;
  readonly disabled: ReadonlySet<string>;
}

const emptySet: PluginSet = { enabled: new Map(), disabled: new Set() };

/** What is on at each point: what the point itself says goes before what `multiPoint` says, and that before the default. */
class Enabled {
  readonly #sets: ReadonlyMap<string, PluginSet>;

  constructor(sets: ReadonlyMap<string, PluginSet>) {
    this.#sets = sets;
  }

  has(point: string, name: string): boolean {
    const [own, all] = [this.#set(point), this.#set('multiPoint')];
    if (own.enabled.has(name)) return true;
    if (isOff(own, name)) return false;
    return all.enabled.has(name) || !isOff(all, name);
  }

  /** Undefined: the default. */
  weight(name: string): number | undefined {
    return this.#set('score').enabled.get(name) ?? this.#set('multiPoint').enabled.get(name);
  }

  #set(point: string): PluginSet {
    return this.#sets.get(point) ?? emptySet;
  }
}

function isOff({ disabled }: PluginSet, name: string): boolean {
  return disabled.has(name) || disabled.has('*');
}

function enabledOf(plugins: unknown, at: string): Enabled {
  if (plugins !== undefined && !isMap(plugins)) throw new ConfigError(`${at}: expected extension points`);
  const sets = new Map<string, PluginSet>();
  for (const [point, set] of Object.entries(plugins ?? {})) {
    if (point !== 'multiPoint' && !points.includes(point))
      throw new ConfigError(`${at}: unknown field ${JSON.stringify(point)}`);
    sets.set(point, setOf(set, point, `${at}.${point}`));
  }
  const enabled = new Enabled(sets);
  for (const name of indispensable)
    if (!enabled.has(pointsOf[name]?.[0] ?? '', name))
      throw new ConfigError(`${at}: ${name} cannot be disabled: nothing here can take its place`);
  for (const [name, own] of Object.entries(pointsOf))
    for (const point of own) {
      const whole = partOf[point];
      if (whole === undefined || enabled.has(point, name) === enabled.has(whole, name)) continue;
      throw new ConfigError(`${at}.${point}: ${name} has to be enabled or disabled together with ${whole}`);
    }
  return enabled;
}

function setOf(set: unknown, point: string, at: string): PluginSet {
  if (!isMap(set)) throw new ConfigError(`${at}: expected enabled and disabled plugins`);
  const enabled = new Map<string, number | undefined>();
  for (const { name, weight } of pluginsOf(set.enabled, `${at}.enabled`)) {
    const known = pointsOf[name];
    if (known === undefined) throw new ConfigError(`${at}.enabled: plugin ${JSON.stringify(name)} does not exist`);
    if (point !== 'multiPoint' && !known.includes(point))
      throw new ConfigError(`${at}.enabled: plugin ${JSON.stringify(name)} does not extend ${point} plugin`);
    if (enabled.has(name)) throw new ConfigError(`${at}.enabled: plugin ${JSON.stringify(name)} already registered`);
    enabled.set(name, weight === 0 ? undefined : weight);
  }
  return { enabled, disabled: new Set(pluginsOf(set.disabled, `${at}.disabled`).map(({ name }) => name)) };
}

function pluginsOf(list: unknown, at: string): { name: string; weight: number | undefined }[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new ConfigError(`${at}: expected a list of plugins`);
  return list.map((each: unknown, i) => {
    if (!isMap(each) || typeof each.name !== 'string') throw new ConfigError(`${at}[${i}].name: Required value`);
    const { name, weight } = each;
    if (weight !== undefined && (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0 || weight > 2 ** 31 - 1))
      throw new ConfigError(`${at}[${i}].weight: expected a whole number of at least 0, got ${JSON.stringify(weight)}`);
    return { name, weight };
  });
}
