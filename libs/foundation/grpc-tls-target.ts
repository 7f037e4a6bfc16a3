// gRPC over TLS to an IP address. grpc-js passes the address as the TLS server name, which Node refuses since version 26 (RFC 6066
// has no addresses there). So: another server name is sent, and the certificate is checked against the address nevertheless.
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Sent as server name where the target is an address; nobody looks at it. */
const placeholder = 'address.invalid';

export interface GrpcTlsTarget {
  /** To be added to the channel's options. */
  readonly channelOptions: Readonly<Record<string, string>>;
  /** The fourth argument of `credentials.createSsl`. */
  readonly verifyOptions: { readonly checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined };
}

/** What a channel to `hostname` (`10.0.0.1`, `[::1]`, `example.com`, without port) needs besides its credentials. */
export function grpcTlsTarget(hostname: string): GrpcTlsTarget {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) === 0) return { channelOptions: {}, verifyOptions: {} };
  return {
    channelOptions: { 'grpc.ssl_target_name_override': placeholder },
    verifyOptions: { checkServerIdentity: (_host, certificate) => checkServerIdentity(address, certificate) },
  };
}
