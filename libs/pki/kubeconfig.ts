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

/** The text of the file. */
export function renderKubeconfig(source: KubeconfigSource): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const context = `${source.user}@${source.cluster}`;
  return `apiVersion: v1
kind: Config
clusters:
- name: ${source.cluster}
  cluster:
    server: ${JSON.stringify(source.server)}
${source.tlsServerName === undefined ? '' : `    tls-server-name: ${source.tlsServerName}\n`}    certificate-authority-data: ${base64(source.authorityPem)}
users:
- name: ${JSON.stringify(source.user)}
  user:
    client-certificate-data: ${base64(source.certificatePem)}
    client-key-data: ${base64(source.keyPem)}
contexts:
- name: ${JSON.stringify(context)}
  context:
    cluster: ${source.cluster}
    user: ${JSON.stringify(source.user)}
current-context: ${JSON.stringify(context)}
`;
}
