// What the data plane is to do, as plain data: hosts with their paths, backends with their endpoints, certificates, password files.
import type { Annotations } from './annotations/table.ts';
import type { Backend } from './backends.ts';
import type { ServingCertificate } from './certificates.ts';

export interface IngressName {
  readonly namespace: string;
  readonly name: string;
}

/** One path of one host. */
export interface Location {
  /**
   * `exact`: the path and nothing else. `prefix`: whatever begins with these characters. `elements`: the path, or more elements after it,
   * as a regular expression. `regex`: a regular expression, whatever its letters case.
   */
  readonly match: 'exact' | 'prefix' | 'elements' | 'regex';
  readonly path: string;
  /** As the Ingress says it; `/` for what no rule names. */
  readonly rulePath: string;
  /** Undefined for the controller's own. */
  readonly ingress: IngressName | undefined;
  /** Undefined where nothing but 404 is to be answered. */
  readonly backend: Pick<Backend, 'name' | 'namespace' | 'service' | 'port'> | undefined;
  /** Who answers while `backend` has no endpoints. */
  readonly fallback: string | undefined;
  /** Answers 503, for this reason. */
  readonly closed: string | undefined;
  readonly values: Annotations;
  /** Name of a password file of the plan. */
  readonly passwords: string | undefined;
  /** HTTP is redirected to HTTPS. */
  readonly toHttps: boolean;
}

export interface Server {
  /** A name, `*.` and a name, or `_` for whatever nobody else has. */
  readonly host: string;
  readonly aliases: readonly string[];
  /** `namespace/name` of the Secret; undefined for the default certificate. */
  readonly certificate: string | undefined;
  /** An Ingress asks for TLS here. */
  readonly tls: boolean;
  /** A path that no location matches is answered by the last, which is `/`. */
  readonly locations: readonly Location[];
}

/** Sends some requests of one location elsewhere. */
export interface Canary {
  /** `locationId` of the location. */
  readonly location: string;
  readonly backend: string;
  readonly header: string;
  readonly headerValue: string;
  readonly headerPattern: string;
  readonly cookie: string;
  readonly weight: number;
  readonly total: number;
  readonly sticky: boolean;
}

export interface Problem {
  readonly ingress: IngressName;
  readonly reason: string;
  readonly message: string;
}

export interface RoutingPlan {
  readonly servers: readonly Server[];
  readonly backends: readonly Backend[];
  readonly canaries: readonly Canary[];
  /** By `namespace/name` of the Secret. */
  readonly certificates: ReadonlyMap<string, ServingCertificate>;
  /** The certificate where no host's fits; undefined: the controller's own. */
  readonly defaultCertificate: string | undefined;
  /** By file name. */
  readonly passwordFiles: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
  /** Every Ingress of this controller, in the order in which they are served. */
  readonly ingresses: readonly IngressName[];
}

export function nameText({ namespace, name }: IngressName): string {
  return `${namespace}/${name}`;
}
