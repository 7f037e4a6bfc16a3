// Objects of the cluster into one routing plan. Pure: the same objects give the same plan.
import type {
  EndpointSlice,
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressServiceBackend,
  Secret,
  Service,
} from '@drydock/api/generated/types.ts';
import { isHost } from './annotations/grammar.ts';
import { readAnnotations } from './annotations/read.ts';
import { type Backend, defaultBackendName, nameAmong, resolveBackend } from './backends.ts';
import { canariesOf } from './canary.ts';
import { readCertificate, type ServingCertificate } from './certificates.ts';
import { aliasesMax, endpointsMax, hostsMax, locationsMax } from './limits.ts';
import { type IngressName, type Location, nameText, type RoutingPlan, type Server } from './model.ts';
import { anyHost, byAge, hostsOf, type Parsed, wantsRegex } from './parsed.ts';
import { passwordFile } from './passwords.ts';
import { byPrecedence, type Matcher, matchersOf, pathProblem } from './paths.ts';
import { Problems } from './problems.ts';
import type { Settings } from './settings.ts';
import { certificateOfHost } from './tls.ts';

/** What the plan is made from. Ingresses are this controller's only. */
export interface Observed {
  readonly ingresses: readonly Ingress[];
  readonly service: (namespace: string, name: string) => Service | undefined;
  readonly slices: (namespace: string, service: string) => readonly EndpointSlice[];
  readonly secret: (namespace: string, name: string) => Secret | undefined;
}

export interface PlanOptions {
  readonly settings: Settings;
  readonly annotationPrefix: string;
  /** `namespace/name` of the Service that answers what nobody else does; undefined: 404. */
  readonly defaultBackend: string | undefined;
  /** `namespace/name` of the Secret for hosts without a certificate of their own. */
  readonly defaultCertificate: string | undefined;
  /** Ingresses that the data plane has refused before, with its words: they are left out. */
  readonly refused?: ReadonlyMap<string, string>;
  /** Turns a resource backend into a Service of the namespace; undefined where that cannot be done. */
  readonly resolveResource?: (
    namespace: string,
    resource: NonNullable<IngressBackend['resource']>,
  ) => IngressServiceBackend | undefined;
}

/** What the API lets a Service or a port be called. */
const objectNames = /^[a-z0-9](?:[-a-z0-9.]{0,252}[a-z0-9])?$/;

/** Plans what the data plane does. */
export function planRouting(observed: Observed, options: PlanOptions): RoutingPlan {
  return new Planner(observed, options).plan();
}

interface Draft {
  readonly host: string;
  readonly asRegex: boolean;
  readonly locations: Map<string, Location>;
  /** How good a claim each of them has to its matcher; the least wins. */
  readonly claims: Map<string, number>;
  readonly aliases: Set<string>;
  certificate: string | undefined;
  tls: boolean;
  /** For paths that no rule names. */
  rest: Location | undefined;
}

class Planner {
  readonly #observed: Observed;
  readonly #options: PlanOptions;
  readonly #named = new Set<string>();
  readonly #problems = new Problems();
  readonly #backends = new Map<string, Backend>();
  readonly #certificates = new Map<string, ServingCertificate | { readonly problem: string }>();
  readonly #passwords = new Map<string, string>();
  readonly #drafts = new Map<string, Draft>();
  #locations = 0;

  constructor(observed: Observed, options: PlanOptions) {
    this.#observed = observed;
    this.#options = options;
  }

  plan(): RoutingPlan {
    const { settings, annotationPrefix, defaultCertificate } = this.#options;
    const parsed = [...this.#observed.ingresses].sort(byAge).map((ingress): Parsed => {
      const { namespace = '', name = '', annotations = {} } = ingress.metadata ?? {};
      return { ingress, namespace, name, annotations: readAnnotations(annotations, annotationPrefix) };
    });
    const open = parsed.filter((entry) => this.#accept(entry));
    const primaries = open.filter(({ annotations }) => annotations.values.canary !== true);
    const regexHosts = new Set(primaries.filter(wantsRegex).flatMap(hostsOf));
    this.#draft(anyHost, regexHosts);
    for (const entry of primaries)
      for (const host of hostsOf(entry)) if (this.#drafts.size < hostsMax) this.#draft(host, regexHosts);
    for (const entry of primaries) this.#tls(entry);
    for (const entry of primaries) this.#rules(entry);
    for (const entry of primaries) this.#aliases(entry);
    const canaries = canariesOf(
      open.filter(({ annotations }) => annotations.values.canary === true),
      [...this.#drafts.values()],
      (entry, backend) => this.#backend(entry, backend)?.name,
      (entry, message) => this.#problem(entry, 'CanaryNotServed', message),
    );
    if (defaultCertificate !== undefined) this.#certificate(defaultCertificate);
    const rest = this.#globalRest(settings);
    const servers = [...this.#drafts.values()].map((draft) => this.#server(draft, rest));
    const certificates = this.#usable();
    return {
      servers: servers.sort((a, b) => (a.host < b.host ? -1 : 1)),
      backends: [...this.#backends.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      canaries,
      certificates,
      defaultCertificate:
        defaultCertificate !== undefined && certificates.has(defaultCertificate) ? defaultCertificate : undefined,
      passwordFiles: this.#passwords,
      problems: this.#problems.list,
      ingresses: parsed.map(({ namespace, name }) => ({ namespace, name })),
    };
  }

  #problem(ingress: IngressName, reason: string, message: string): void {
    this.#problems.add(ingress, reason, message);
  }

  #accept(entry: Parsed): boolean {
    for (const text of entry.annotations.problems)
      this.#problem(entry, 'AnnotationParsingFailed', `Error parsing annotations: ${text}`);
    const refused = this.#options.refused?.get(nameText(entry));
    if (refused !== undefined) this.#problem(entry, 'Rejected', `the configuration of this Ingress is refused: ${refused}`);
    return refused === undefined;
  }

  #draft(host: string, regexHosts: ReadonlySet<string>): Draft {
    let draft = this.#drafts.get(host);
    if (draft === undefined) {
      draft = {
        host,
        asRegex: regexHosts.has(host),
        locations: new Map(),
        claims: new Map(),
        aliases: new Set(),
        certificate: undefined,
        tls: false,
        rest: undefined,
      };
      this.#drafts.set(host, draft);
    }
    return draft;
  }

  #tls(entry: Parsed): void {
    for (const host of hostsOf(entry)) {
      const draft = this.#drafts.get(host);
      if (draft === undefined || host === anyHost) continue;
      const found = certificateOfHost(entry, host, (key) => this.#certificate(key));
      for (const problem of found.problems) this.#problem(entry, 'CertificateNotServed', problem);
      draft.tls ||= found.tls;
      draft.certificate ??= found.certificate;
    }
  }

  #certificate(key: string): ServingCertificate | { readonly problem: string } {
    let known = this.#certificates.get(key);
    if (known === undefined) {
      const [namespace = '', name = '', ...more] = key.split('/');
      // Its files are named after it, by the master, who is root.
      known =
        more.length === 0 && objectNames.test(name)
          ? readCertificate(key, this.#observed.secret(namespace, name))
          : { problem: `Secret ${JSON.stringify(key)} is no name of a Secret` };
      this.#certificates.set(key, known);
    }
    return known;
  }

  #usable(): Map<string, ServingCertificate> {
    return new Map([...this.#certificates].flatMap(([key, value]) => ('problem' in value ? [] : [[key, value] as const])));
  }

  #rules(entry: Parsed): void {
    const { spec } = entry.ingress;
    for (const rule of spec?.rules ?? []) {
      const host = rule.host?.toLowerCase() || anyHost;
      const draft = this.#drafts.get(host);
      if (draft === undefined) {
        const why = isHost(host) ? `is one of more than ${hostsMax}` : 'is no name of a host';
        this.#problem(entry, 'HostNotServed', `host ${JSON.stringify(rule.host)} ${why}`);
        continue;
      }
      for (const path of rule.http?.paths ?? []) this.#path(entry, draft, path);
      if (spec?.defaultBackend !== undefined && host !== anyHost)
        draft.rest ??= this.#location(entry, draft, { match: 'prefix', path: '/' }, '/', spec.defaultBackend);
    }
    if (spec?.defaultBackend === undefined || (spec.rules ?? []).length > 0) return;
    const catchAll = this.#drafts.get(anyHost);
    if (catchAll?.rest !== undefined)
      this.#problem(entry, 'PathConflict', `the default backend is already defined in ingress ${ownerText(catchAll.rest)}`);
    else if (catchAll !== undefined)
      catchAll.rest = this.#location(entry, catchAll, { match: 'prefix', path: '/' }, '/', spec.defaultBackend);
  }

  #path(entry: Parsed, draft: Draft, path: HTTPIngressPath): void {
    const problem = pathProblem(path, this.#options.settings['strict-validate-path-type'], draft.asRegex);
    if (problem !== undefined) {
      this.#problem(entry, 'PathNotServed', problem);
      return;
    }
    const rulePath = path.path ?? '/';
    for (const matcher of matchersOf(path, draft.asRegex)) {
      const key = `${matcher.match} ${matcher.path}`;
      const known = draft.locations.get(key);
      const location = this.#location(entry, draft, matcher, rulePath, path.backend);
      const claim = claimOf(path, rulePath, matcher);
      const earlier = draft.claims.get(key) ?? 0;
      if (known === undefined) {
        if (this.#locations >= locationsMax) {
          this.#problem(entry, 'PathNotServed', `there are more than ${locationsMax} paths`);
          return;
        }
        this.#locations++;
      } else if (claim >= earlier) {
        if (known.rulePath !== rulePath || claim > earlier) continue;
        this.#problem(
          entry,
          'PathConflict',
          `host ${JSON.stringify(draft.host)} and path ${JSON.stringify(rulePath)} is already defined in ingress ${ownerText(known)}`,
        );
        continue;
      }
      draft.locations.set(key, location);
      draft.claims.set(key, claim);
    }
  }

  #location(entry: Parsed, draft: Draft, matcher: Matcher, rulePath: string, backend: IngressBackend): Location {
    const { settings } = this.#options;
    const { values } = entry.annotations;
    const secured = this.#passwordsOf(entry);
    const resolved = this.#backend(entry, backend);
    const wantsTls = values['ssl-redirect'] ?? settings['ssl-redirect'];
    const forced = values['force-ssl-redirect'] ?? settings['force-ssl-redirect'];
    const exempt = settings['no-tls-redirect-locations'].some((path) => rulePath.startsWith(path));
    return {
      ...matcher,
      rulePath,
      ingress: { namespace: entry.namespace, name: entry.name },
      backend: resolved,
      fallback: this.#fallback(entry),
      closed:
        entry.annotations.closed ??
        secured.problem ??
        (resolved === undefined ? 'the backend is no Service that can be found' : undefined),
      values,
      passwords: secured.file,
      toHttps: !exempt && (forced || (wantsTls && draft.tls)),
    };
  }

  /** The backend's identity, also where nobody answers for it yet; undefined where it can never be found. */
  #backend(entry: Parsed, backend: IngressBackend): Location['backend'] {
    const { namespace, annotations } = entry;
    let reference = backend.service;
    if (reference === undefined && backend.resource !== undefined) {
      reference = this.#options.resolveResource?.(namespace, backend.resource);
      const { apiGroup, kind, name } = backend.resource;
      if (reference === undefined)
        this.#problem(
          entry,
          'BackendNotServed',
          `resource backend ${apiGroup ?? 'core'}/${kind} ${JSON.stringify(name)} cannot be resolved: its paths answer 503`,
        );
    }
    if (reference === undefined) return undefined;
    if (!objectNames.test(reference.name) || !objectNames.test(reference.port?.name || 'none')) {
      this.#problem(entry, 'BackendNotServed', 'the name of its Service, or of its port, is none');
      return undefined;
    }
    const viaCluster = annotations.values['service-upstream'] ?? this.#options.settings['service-upstream'];
    const found = this.#resolve(namespace, reference, viaCluster);
    if (found.problem !== undefined && !found.problem.endsWith('active Endpoint'))
      this.#problem(entry, 'BackendNotServed', found.problem);
    return { name: found.name, namespace, service: found.service, port: found.port };
  }

  #resolve(namespace: string, reference: IngressServiceBackend, viaCluster: boolean): Backend & { problem?: string } {
    const found = resolveBackend(
      namespace,
      reference,
      this.#observed.service(namespace, reference.name),
      this.#observed.slices(namespace, reference.name),
      viaCluster,
    );
    const { problem, ...rest } = found;
    const name = nameAmong(this.#backends, found, viaCluster ? '-cluster-ip' : '');
    const backend = { ...rest, name, endpoints: found.endpoints.slice(0, endpointsMax) };
    this.#backends.set(name, backend);
    return problem === undefined ? backend : { ...backend, problem };
  }

  #fallback(entry: Parsed): string | undefined {
    const asked = entry.annotations.values['default-backend'];
    if (asked === undefined) return undefined;
    const [namespace, name = ''] = asked.includes('/') ? asked.split('/') : [entry.namespace, asked];
    const port = this.#observed.service(entry.namespace, name)?.spec?.ports?.[0]?.port;
    if (namespace !== entry.namespace || port === undefined) {
      this.#problem(entry, 'BackendNotServed', `default-backend: no Service "${entry.namespace}/${name}" with a port`);
      return undefined;
    }
    return this.#resolve(entry.namespace, { name, port: { number: port } }, false).name;
  }

  #passwordsOf(entry: Parsed): { readonly file?: string; readonly problem?: string } {
    const { values } = entry.annotations;
    if (values['auth-type'] === undefined) return {};
    const asked = values['auth-secret'];
    if (asked === undefined) return this.#closed(entry, 'auth-type without auth-secret');
    const [namespace = '', name = ''] = asked.includes('/') ? asked.split('/') : [entry.namespace, asked];
    if (namespace !== entry.namespace)
      return this.#closed(entry, `auth-secret: cross namespace usage of secrets is not allowed: "${asked}"`);
    const type = values['auth-secret-type'] ?? 'auth-file';
    const read = passwordFile(`${namespace}/${name}`, this.#observed.secret(namespace, name), type);
    if ('problem' in read) return this.#closed(entry, read.problem);
    const file = `${namespace}_${name}_${type}`;
    this.#passwords.set(file, read.text);
    return { file };
  }

  #closed(entry: Parsed, problem: string): { readonly problem: string } {
    this.#problem(entry, 'AnnotationParsingFailed', `Error parsing annotations: ${problem}; its paths answer 503`);
    return { problem };
  }

  #aliases(entry: Parsed): void {
    const asked = entry.annotations.values['server-alias'] ?? [];
    for (const alias of asked) {
      const taken = this.#drafts.has(alias) || this.#named.has(alias) || this.#named.size >= aliasesMax;
      const [first = anyHost] = hostsOf(entry);
      const draft = first === anyHost ? undefined : this.#drafts.get(first);
      if (taken || draft === undefined)
        this.#problem(entry, 'HostNotServed', `server-alias: ${JSON.stringify(alias)} is a host already, or there is no host`);
      else {
        draft.aliases.add(alias);
        this.#named.add(alias);
      }
    }
  }

  #globalRest(settings: Settings): Location {
    const { values } = readAnnotations({}, this.#options.annotationPrefix);
    const rest: Location = {
      match: 'prefix',
      path: '/',
      rulePath: '/',
      ingress: undefined,
      backend: undefined,
      fallback: undefined,
      closed: undefined,
      values,
      passwords: undefined,
      toHttps: settings['force-ssl-redirect'],
    };
    const key = this.#options.defaultBackend;
    if (key === undefined) return rest;
    const [namespace = '', name = ''] = key.split('/');
    const service = this.#observed.service(namespace, name);
    const reference = { name, port: { number: service?.spec?.ports?.[0]?.port ?? 0 } };
    const slices = this.#observed.slices(namespace, name);
    const { problem: _said, ...found } = resolveBackend(namespace, reference, service, slices, false);
    const backend = { ...found, name: defaultBackendName, endpoints: found.endpoints.slice(0, endpointsMax) };
    this.#backends.set(defaultBackendName, backend);
    return { ...rest, backend };
  }

  #server(draft: Draft, rest: Location): Server {
    const { host, certificate, tls } = draft;
    const sorted = [...draft.locations.values()].sort(byPrecedence);
    const hasRest = sorted.some(({ match, path }) => path === '/' && (match === 'prefix' || match === 'elements'));
    const own = draft.rest ?? { ...rest, toHttps: rest.toHttps || tls };
    return {
      host,
      aliases: [...draft.aliases].sort(),
      certificate,
      tls,
      locations: hasRest ? sorted : [...sorted, own],
    };
  }
}

/** Of several that give the same comparison: a path that says it in so many words, then Prefix, then the others. */
function claimOf(path: HTTPIngressPath, rulePath: string, matcher: Matcher): number {
  if (matcher.match === 'exact') return path.pathType === 'Exact' ? 0 : 1;
  return path.pathType === 'Prefix' ? (rulePath === matcher.path ? 0 : 1) : 2;
}

function ownerText({ ingress }: Location): string {
  return ingress === undefined ? '' : nameText(ingress);
}
