// Adapter: reads certificate requests (PKCS #10). Loading the X.509 library takes 60 ms: import this file when one comes.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export interface RequestedSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** Whom a request in PEM is for. Throws where the text is no `CERTIFICATE REQUEST` block or does not decode. */
export function requestedSubject(pem: string): RequestedSubject {
  const block = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]*?-----END CERTIFICATE REQUEST-----/.exec(pem)?.[0];
  if (block === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const name = new x509.Pkcs10CertificateRequest(block).subjectName;
  return { commonName: name.getField('CN')[0] ?? '', organizations: name.getField('O') };
}
