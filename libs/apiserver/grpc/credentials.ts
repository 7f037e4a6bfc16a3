// TLS of the gRPC front end: a client certificate is asked for, and a caller without one may bring a token.
import { http2Bounds, type ServingTimes, servingTimes, tlsBounds } from '@drydock/foundation/serving/bounds.ts';
import { ServerCredentials } from '@grpc/grpc-js';

export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

/**
 * Credentials as those of `ServerCredentials.createSsl`, which cannot ask for a certificate without requiring it. A certificate
 * that `clientCa` has not signed counts for nothing: grpc-js gives the peer's certificate of authorized connections only.
 */
export class OptionalClientCertificate extends ServerCredentials {
  constructor({ cert, key, clientCa }: ServingCertificate, times: ServingTimes = servingTimes) {
    super({ ...tlsBounds(times), ...http2Bounds, requestCert: true, rejectUnauthorized: false }, { ca: clientCa, cert, key });
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}
