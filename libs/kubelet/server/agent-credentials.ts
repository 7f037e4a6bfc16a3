// TLS of the NodeAgent: whoever has no certificate of the authority does not get beyond the handshake.
import type { SecureContextOptions } from 'node:tls';
import { http2Bounds, type ServingTimes, tlsBounds } from '@drydock/foundation/serving/bounds.ts';
import { ServerCredentials } from '@grpc/grpc-js';

export interface AgentCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** As `ServerCredentials.createSsl` with a required client certificate, which takes no bounds. */
export class RequiredClientCertificate extends ServerCredentials {
  constructor({ cert, key, ca }: AgentCertificate, times: ServingTimes, tls: SecureContextOptions = {}) {
    super({ ...tlsBounds(times), ...http2Bounds, requestCert: true, rejectUnauthorized: true }, { ...tls, ca, cert, key });
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}
