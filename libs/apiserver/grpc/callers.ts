// Who calls, before any of their message is read: authenticates the metadata of each call, takes its place among the requests in
// flight, and gives it a deadline.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { unauthorized } from '../authn/authenticator.ts';
import { timeoutError } from '../http/deadline.ts';
import type { InFlight } from '../in-flight.ts';
import type { Credentials, User } from '../request.ts';
import { statusOf } from './status.ts';

export interface CallerParts {
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  readonly inFlight: InFlight;
  readonly clock: Clock;
  /** --request-timeout: for a call, and of a watch for its request to come. */
  readonly requestTimeoutMs: number;
  /** Told which peers are known. */
  readonly onKnown: (peer: string) => void;
}

/** A call whose caller is known. */
export interface Caller {
  readonly user: User;
  readonly credentials: Credentials;
  /** Gives back the place among the requests in flight; again does nothing. */
  readonly release: () => void;
}

type Verbs = Readonly<Record<string, string>>;

const verbs: Verbs = {
  Get: 'get',
  GetRaw: 'get',
  List: 'list',
  Create: 'create',
  Update: 'update',
  Patch: 'patch',
  Delete: 'delete',
};

export class Callers {
  readonly #parts: CallerParts;
  readonly #known = new WeakMap<Metadata, Caller>();

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Who makes the call that came with `metadata`. */
  of(metadata: Metadata): Caller {
    const caller = this.#known.get(metadata);
    if (caller === undefined) throw unauthorized();
    return caller;
  }

  readonly interceptor: ServerInterceptor = (method, call) => {
    const { clock, requestTimeoutMs } = this.#parts;
    const name = method.path.slice(method.path.lastIndexOf('/') + 1);
    let release = () => {};
    let over = false;
    let deadline: Timer | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        deadline = clock.timer(requestTimeoutMs, () => call.sendStatus(statusOf(timeoutError())));
        this.#admit(name, call, metadata, () => over).then(
          (caller) => {
            release = caller.release;
            this.#known.set(metadata, caller);
            next(metadata);
          },
          (error) => call.sendStatus(statusOf(error)),
        );
      })
      .withOnReceiveHalfClose((next) => {
        if (name === 'Watch') deadline?.cancel();
        next();
      })
      .withOnCancel(() => {
        over = true;
        deadline?.cancel();
        release();
      })
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };

  async #admit(
    name: string,
    call: ServerInterceptingCallInterface,
    metadata: Metadata,
    isOver: () => boolean,
  ): Promise<Caller> {
    const credentials = credentialsOf(call, metadata);
    // Nobody has a reason to be nobody here: components have names.
    if (credentials.certificate === undefined && credentials.bearerToken === undefined) throw unauthorized();
    const user = await this.#parts.authenticate(credentials);
    this.#parts.onKnown(peerOf(call.getConnectionInfo()));
    // The call's end has been and gone: nobody would give the place back.
    if (isOver()) throw timeoutError();
    const leave = name === 'Watch' ? () => {} : this.#parts.inFlight.enter(verbs[name] ?? 'deletecollection');
    let left = false;
    const release = () => {
      if (!left) leave();
      left = true;
    };
    return { user, credentials, release };
  }
}

/** A token in the metadata speaks before the connection's certificate: it names the narrower identity. */
function credentialsOf(call: ServerInterceptingCallInterface, metadata: Metadata): Credentials {
  const authorization = String(metadata.get('authorization')[0] ?? '');
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token !== undefined) return { bearerToken: token };
  const peer = call.getAuthContext().sslPeerCertificate;
  if (peer === undefined) return {};
  const { CN, O } = peer.subject as { CN?: string | string[]; O?: string | string[] };
  const fingerprint = (peer.fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  return { certificate: { commonName: [CN ?? ''].flat()[0] ?? '', organizations: [O ?? []].flat(), fingerprint } };
}
