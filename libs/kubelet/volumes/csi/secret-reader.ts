// The secrets that drivers are handed with volumes.
import type { SecretReference } from '@drydock/api/generated/types.ts';
import { secrets } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';

export class SecretReader {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** `what`: as errors call it. Empty where none is named; throws, in upstream's words, where it cannot be read. */
  async read(what: string, ref: SecretReference | undefined): Promise<Record<string, string>> {
    if (ref === undefined) return {};
    const { namespace = '', name = '' } = ref;
    try {
      const { data = {} } = await this.#client.get(secrets, { namespace, name });
      return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]));
    } catch (error) {
      const why = `kubernetes.io/csi: failed to find the secret ${name} in the namespace ${namespace} with error`;
      throw new Error(`fetching ${what} ${namespace}/${name} failed: ${why}: ${(error as Error).message}`, { cause: error });
    }
  }
}
