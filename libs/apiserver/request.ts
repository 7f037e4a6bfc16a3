// The one request and the one response type between the front ends (REST, gRPC) and the pipeline.
import type { AnswerForm } from '@drydock/api/negotiate.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { WatchStream } from './cache/watch-stream.ts';

/** What a request wants to do, in the words of authorisation. `connect` is decided by the method of the front end. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** What a request is about. Empty strings where a part does not apply. */
export interface Target {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** A client certificate that a known authority signed. */
export interface PeerCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/** Who says what about themselves; nothing here is verified but the certificate's chain. */
export interface Credentials {
  readonly certificate?: PeerCertificate | undefined;
  /** The certificate of a proxy: one that the authority of proxies signed. */
  readonly proxy?: PeerCertificate | undefined;
  /** A certificate was presented that the authority of clients did not sign. */
  readonly badCertificate?: boolean | undefined;
  readonly bearerToken?: string | undefined;
  readonly impersonate?: Impersonation | undefined;
  /** The values of a header; those of an authenticating proxy are believed only with the proxy's own certificate. */
  readonly headers?: ((name: string) => readonly string[]) | undefined;
  /** Lower case. */
  readonly headerNames?: readonly string[] | undefined;
}

export interface Impersonation {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** An authenticated user (user.Info). */
export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The query parameters of all verbs, as given; empty or left out where they were not. */
export interface RequestOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly sendInitialEvents?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
  readonly fieldValidation?: string | undefined;
  readonly force?: boolean | undefined;
}

/** The form of the answer that the client asked for. */
export interface OutputForm extends AnswerForm {
  /** Of tables: what each row carries. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

export const plainForm: OutputForm = { as: 'object', includeObject: 'Metadata', version: 'v1' };

export interface RequestBody {
  /** The media type without parameters, lower case. */
  readonly contentType: string;
  readonly bytes: Buffer;
}

export interface ApiRequest {
  readonly verb: Verb;
  readonly target: Target;
  readonly credentials: Credentials;
  readonly options: RequestOptions;
  /** The object, patch or DeleteOptions. */
  readonly body?: RequestBody | undefined;
  readonly form: OutputForm;
  readonly userAgent: string;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

/** What the pipeline answers. Objects are shared with caches: encode, never change. */
export type ApiResponse =
  | { readonly type: 'object'; readonly code: number; readonly object: KubeObject; readonly warnings: readonly string[] }
  | { readonly type: 'list'; readonly code: 200; readonly list: ListResult; readonly warnings: readonly string[] }
  | { readonly type: 'watch'; readonly stream: WatchStream; readonly warnings: readonly string[] };

/** A list before its encoding; `header` is the list object without items. */
export interface ListResult {
  readonly header: Readonly<Record<string, unknown>>;
  readonly items: readonly KubeObject[];
}
