// Kubeconfig files, as kubectl config view --raw prints them (kubeconfig.v1).

/** What one kubeconfig file says. Certificates and keys are embedded, so that the file may be moved. */
export interface KubeconfigSource {
  readonly cluster: string;
  /** `https://HOST:PORT`, or `grpcs://HOST:PORT,HOST:PORT` for our own transport. */
  readonly server: string;
  /** The name that the server's certificate is checked for, where it is not the one in `server`. */
  readonly tlsServerName?: string;
  readonly authorityPem: string;
  readonly user: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The text of the file: JSON, which is YAML too, so that our programs read it without loading a YAML parser. */
export function renderKubeconfig(source: KubeconfigSource): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const context = `${source.user}@${source.cluster}`;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: source.cluster,
        cluster: {
          server: source.server,
          ...(source.tlsServerName === undefined ? {} : { 'tls-server-name': source.tlsServerName }),
          'certificate-authority-data': base64(source.authorityPem),
        },
      },
    ],
    users: [
      {
        name: source.user,
        user: {
          'client-certificate-data': base64(source.certificatePem),
          'client-key-data': base64(source.keyPem),
        },
      },
    ],
    contexts: [{ name: context, context: { cluster: source.cluster, user: source.user } }],
    'current-context': context,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
