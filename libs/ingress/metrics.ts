// Figures under ingress-nginx's names, in the Prometheus text format: the controller's own, and what the data plane has counted.
import { Metrics } from '@drydock/client/metrics.ts';
import { type IngressName, nameText, type RoutingPlan } from './model.ts';
import { locationId } from './paths.ts';

export interface ControllerIdentity {
  readonly controllerClass: string;
  readonly namespace: string;
  readonly pod: string;
}

const prefix = 'nginx_ingress_controller_';

/** What the data plane counts by, and what that stands for. */
export interface CountedLocation {
  readonly host: string;
  readonly path: string;
  readonly ingress: IngressName;
  readonly service: string;
}

/** Locations of a plan by their identity. */
export function countedLocations(plan: RoutingPlan): Map<string, CountedLocation> {
  const found = new Map<string, CountedLocation>();
  for (const { host, locations } of plan.servers)
    for (const location of locations)
      if (location.ingress !== undefined)
        found.set(locationId(host, location), {
          host,
          path: location.rulePath,
          ingress: location.ingress,
          service: location.backend?.service ?? '',
        });
  return found;
}

const families = {
  request_duration_seconds: 'The request processing time in milliseconds',
  response_duration_seconds: 'The time spent on receiving the response from the upstream server',
  request_size: 'The request length (including request line, header, and request body)',
  response_size: 'The response length (including request line, header, and request body)',
} as const;
const bounds = {
  seconds: ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'],
  bytes: ['10', '100', '1000', '10000', '100000', '1000000', '10000000', '+Inf'],
} as const;

function text(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
  );
  return `{${pairs.join(',')}}`;
}

/**
 * The data plane's counters (answers of /metrics of each instance, lines of `name TAB slot TAB location TAB method TAB status TAB
 * canary TAB value`) as families; instances are added up. Locations that are no more are left out.
 */
export function requestMetrics(
  answers: readonly string[],
  locations: ReadonlyMap<string, CountedLocation>,
  identity: ControllerIdentity,
): string {
  const values = new Map<string, Map<string, Map<string, number>>>();
  for (const line of answers.flatMap((answer) => answer.split('\n'))) {
    const [name = '', slot = '', id = '', method = '', status = '', canary = '', value] = line.split('\t');
    const location = locations.get(id);
    if (value === undefined || location === undefined) continue;
    const labels = text({
      controller_class: identity.controllerClass,
      controller_namespace: identity.namespace,
      controller_pod: identity.pod,
      host: location.host,
      ingress: location.ingress.name,
      method,
      namespace: location.ingress.namespace,
      path: location.path,
      service: location.service,
      status,
      canary,
    });
    const family = getOr(values, name, () => new Map<string, Map<string, number>>());
    const slots = getOr(family, labels, () => new Map<string, number>());
    slots.set(slot, (slots.get(slot) ?? 0) + Number(value));
  }
  const requests = [...(values.get('requests') ?? [])].map(
    ([labels, slots]) => `${prefix}requests${labels} ${slots.get('') ?? 0}`,
  );
  const histograms = Object.entries(families).flatMap(([name, help]) => {
    const bound = name.endsWith('seconds') ? bounds.seconds : bounds.bytes;
    const lines = [...(values.get(name) ?? [])].flatMap(([labels, slots]) => {
      let count = 0;
      const buckets = bound.map((le) => {
        count += slots.get(le) ?? 0;
        return `${prefix}${name}_bucket${labels.slice(0, -1)},le="${le}"} ${count}`;
      });
      return [...buckets, `${prefix}${name}_sum${labels} ${slots.get('sum') ?? 0}`, `${prefix}${name}_count${labels} ${count}`];
    });
    return lines.length === 0 ? [] : family(name, help, 'histogram', lines);
  });
  return [
    ...(requests.length === 0 ? [] : family('requests', 'The total number of client requests', 'counter', requests)),
    ...histograms,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function family(name: string, help: string, type: string, lines: readonly string[]): string[] {
  return [`# HELP ${prefix}${name} ${help}`, `# TYPE ${prefix}${name} ${type}`, ...lines];
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** nginx's own stub_status of each instance, added up. */
export function connectionMetrics(answers: readonly string[], identity: ControllerIdentity): string {
  const sums = { active: 0, reading: 0, writing: 0, waiting: 0, accepted: 0, handled: 0, requests: 0 };
  for (const answer of answers) {
    const [accepted = 0, handled = 0, requests = 0] = (/^ (\d+) (\d+) (\d+)/m.exec(answer)?.slice(1) ?? []).map(Number);
    sums.accepted += accepted;
    sums.handled += handled;
    sums.requests += requests;
    sums.active += Number(/Active connections: (\d+)/.exec(answer)?.[1] ?? 0);
    for (const state of ['reading', 'writing', 'waiting'] as const)
      sums[state] += Number(new RegExp(`${state}: (\\d+)`, 'i').exec(answer)?.[1] ?? 0);
  }
  const labels = (state?: string) =>
    text({
      controller_class: identity.controllerClass,
      controller_namespace: identity.namespace,
      controller_pod: identity.pod,
      ...(state === undefined ? {} : { state }),
    });
  const line = (name: string, state: keyof typeof sums) => `${prefix}nginx_process_${name}${labels(state)} ${sums[state]}`;
  return [
    ...family(
      'nginx_process_connections',
      'current number of client connections with state {active, reading, writing, waiting}',
      'gauge',
      [
        line('connections', 'active'),
        line('connections', 'reading'),
        line('connections', 'writing'),
        line('connections', 'waiting'),
      ],
    ),
    ...family('nginx_process_connections_total', 'total number of connections with state {accepted, handled}', 'counter', [
      line('connections_total', 'accepted'),
      line('connections_total', 'handled'),
    ]),
    ...family('nginx_process_requests_total', 'total number of client requests', 'counter', [
      `${prefix}nginx_process_requests_total${labels()} ${sums.requests}`,
    ]),
  ]
    .map((each) => `${each}\n`)
    .join('');
}

/** When certificates that are served run out, in seconds since 1970. */
export function certificateMetrics(plan: RoutingPlan, identity: ControllerIdentity): string {
  const lines = plan.servers.flatMap(({ host, certificate }) => {
    const found = certificate === undefined ? undefined : plan.certificates.get(certificate);
    if (found === undefined) return [];
    const [namespace = '', secret_name = ''] = found.secret.split('/');
    const labels = text({
      namespace,
      class: identity.controllerClass,
      host,
      secret_name,
      identifier: `${namespace}-${secret_name}`,
    });
    return [`${prefix}ssl_expire_time_seconds${labels} ${Math.floor(found.expiresMs / 1000)}`];
  });
  const help =
    "Number of seconds since 1970 to the SSL Certificate expire. An example to check if this certificate will expire in 10 days is: 'nginx_ingress_controller_ssl_expire_time_seconds < (time() + (10 * 24 * 3600))'";
  return lines.length === 0 ? '' : [...family('ssl_expire_time_seconds', help, 'gauge', lines), ''].join('\n');
}

/** Ingresses with a backend that nobody answers for. */
export function orphanMetrics(plan: RoutingPlan, identity: ControllerIdentity): string {
  const endpoints = new Map(plan.backends.map((backend) => [backend.name, backend.endpoints.length]));
  const orphans = new Map<string, boolean>(plan.ingresses.map((ingress) => [nameText(ingress), false]));
  for (const { ingress, backend } of plan.servers.flatMap((server) => server.locations))
    if (ingress !== undefined && (endpoints.get(backend?.name ?? '') ?? 0) === 0) orphans.set(nameText(ingress), true);
  const lines = [...orphans].map(([key, orphan]) => {
    const [namespace = '', ingress = ''] = key.split('/');
    const { controllerClass, namespace: controller_namespace, pod } = identity;
    const labels = {
      controller_namespace,
      controller_class: controllerClass,
      controller_pod: pod,
      namespace,
      ingress,
      type: 'no-endpoint',
    };
    return `${prefix}orphan_ingress${text(labels)} ${orphan ? 1 : 0}`;
  });
  const help =
    "Gauge reporting status of ingress orphanity, 1 indicates orphaned ingress. 'namespace' is the string used to identify namespace of ingress, 'ingress' for ingress name and 'type' for 'no-service' or 'no-endpoint' of orphanity";
  return lines.length === 0 ? '' : [...family('orphan_ingress', help, 'gauge', lines), ''].join('\n');
}

/** The controller's own counters and gauges. */
export class ControllerMetrics {
  readonly #metrics = new Metrics();
  readonly #labels: Readonly<Record<string, string>>;
  readonly #success: (labels: Readonly<Record<string, string>>) => void;
  readonly #errors: (labels: Readonly<Record<string, string>>) => void;
  readonly #checkSuccess: (labels: Readonly<Record<string, string>>) => void;
  readonly #checkErrors: (labels: Readonly<Record<string, string>>) => void;
  #lastSuccessful = false;
  #lastSuccessfulSeconds = 0;
  #hash = 0;
  leading = false;

  constructor(identity: ControllerIdentity, electionId: string) {
    const { controllerClass, namespace, pod } = identity;
    this.#labels = { controller_class: controllerClass, controller_namespace: namespace, controller_pod: pod };
    this.#success = this.#metrics.counter(`${prefix}success`, 'Cumulative number of Ingress controller reload operations');
    this.#errors = this.#metrics.counter(
      `${prefix}errors`,
      'Cumulative number of Ingress controller errors during reload operations',
    );
    this.#checkSuccess = this.#metrics.counter(
      `${prefix}check_success`,
      'Cumulative number of Ingress controller syntax check operations',
    );
    this.#checkErrors = this.#metrics.counter(
      `${prefix}check_errors`,
      'Cumulative number of Ingress controller errors during syntax check operations',
    );
    const own = text(this.#labels);
    this.#metrics.gauge(
      `${prefix}config_last_reload_successful`,
      'Whether the last configuration reload attempt was successful',
      () => (this.#lastSuccessful ? 1 : 0),
    );
    this.#metrics.gauge(
      `${prefix}config_last_reload_successful_timestamp_seconds`,
      'Timestamp of the last successful configuration reload.',
      () => this.#lastSuccessfulSeconds,
    );
    this.#metrics.gauge(`${prefix}config_hash`, 'Running configuration hash actually running', () => this.#hash);
    this.#metrics.gauge(
      `${prefix}leader_election_status`,
      "Gauge reporting status of the leader election, 0 indicates follower, 1 indicates leader. 'name' is the string used to identify the lease",
      () => (this.leading ? 1 : 0),
    );
    // Gauges of this registry have no labels of their own.
    this.text = () =>
      this.#metrics
        .text()
        .replace(/^(nginx_ingress_controller_config_\w+) /gm, `$1${own} `)
        .replace(/^(nginx_ingress_controller_leader_election_status) /gm, `$1${text({ name: electionId })} `);
  }

  readonly text: () => string;

  reloaded(failed: boolean, generation: string, wallMs: number): void {
    (failed ? this.#errors : this.#success)(this.#labels);
    this.#lastSuccessful = !failed;
    if (failed) return;
    this.#lastSuccessfulSeconds = Math.floor(wallMs / 1000);
    this.#hash = Number.parseInt(generation.slice(0, 12), 16);
  }

  checked(failed: boolean): void {
    (failed ? this.#checkErrors : this.#checkSuccess)(this.#labels);
  }
}
