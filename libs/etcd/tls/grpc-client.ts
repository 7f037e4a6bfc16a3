// grpc-js towards a URL of a member, with etcd's schemes and TLS settings.
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import type { ChannelCredentials, VerifyOptions } from '@grpc/grpc-js';
import { addressOf, type ListenUrl } from '../server/urls.ts';
import { refusalByName } from './certificate-check.ts';
import { grpcJs } from './grpc-js.ts';
import { clientKeyPairOf, noRules, type TlsSettings } from './settings.ts';

export interface GrpcTarget {
  readonly target: string;
  readonly secure: boolean;
  /** Of the channel. */
  readonly options: Readonly<Record<string, string>>;
  readonly verifyOptions: VerifyOptions;
}

/** A socket's certificate is checked for this name, as it has none of its own. */
const socketHost = 'localhost';

export function grpcTarget(url: ListenUrl): GrpcTarget {
  const { secure, path } = url;
  if (path === undefined) {
    const { channelOptions, verifyOptions } = grpcTlsTarget(url.host);
    return { target: addressOf(url), secure, options: channelOptions, verifyOptions };
  }
  return { target: `unix:${path}`, secure, options: { 'grpc.ssl_target_name_override': socketHost }, verifyOptions: {} };
}

/** Credentials of a member that connects to another one. */
export function grpcCredentials(tls: TlsSettings | undefined, verifyOptions: VerifyOptions): ChannelCredentials {
  const { credentials } = grpcJs();
  if (tls === undefined) return credentials.createSsl(null, null, null, verifyOptions);
  const { cert, key } = clientKeyPairOf(tls);
  const identityOf = verifyOptions.checkServerIdentity ?? checkServerIdentity;
  const check = (host: string, certificate: PeerCertificate): Error | undefined =>
    identityOf(host, certificate) ?? refused(certificate, tls);
  const trust = tls.selfSigned === true ? { rejectUnauthorized: false } : {};
  return credentials.createSsl(tls.ca ?? null, key, cert, { ...verifyOptions, checkServerIdentity: check, ...trust });
}

function refused(certificate: PeerCertificate, tls: TlsSettings): Error | undefined {
  const refusal = refusalByName(new X509Certificate(certificate.raw), tls.rules ?? noRules);
  return refusal === undefined ? undefined : new Error(refusal);
}
