// What the two Jobs of ingress-nginx do: a Secret with a certificate, and its authority written into webhook configurations.
import type { MutatingWebhookConfiguration, Secret, ValidatingWebhookConfiguration } from '@drydock/api/generated/types.ts';
import {
  mutatingWebhookConfigurations,
  type Resource,
  secrets,
  validatingWebhookConfigurations,
} from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { WebhookCertificate } from './certificates.ts';

export interface Ports {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** A command that cannot do what it should, in the original's words. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The Secret, by name. */
interface SecretKey {
  readonly namespace: string;
  readonly name: string;
}

export interface PatchOptions {
  readonly webhookName: string;
  readonly validating: boolean;
  readonly mutating: boolean;
  /** Empty: the policies stay. */
  readonly failurePolicy: string;
}

/** How long `patch` waits for the Secret: both Jobs are made at once, and the original fails until the other has come to its end. */
const secretPatienceMs = 30_000;
const secretPollMs = 250;
const conflictTriesMax = 5;

/** Makes the Secret where it is not there. Throws CommandError where one is there that has no authority. */
export async function createSecret(
  { client, log }: Ports,
  key: SecretKey,
  names: { readonly certificate: string; readonly key: string },
  make: () => Promise<WebhookCertificate>,
): Promise<void> {
  if ((await authorityIn(client, key)) !== undefined) {
    log.info({}, 'secret already exists');
    return;
  }
  log.info({}, 'creating new secret');
  const { caPem, certificatePem, keyPem } = await make();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const data = { ca: base64(caPem), [names.certificate]: base64(certificatePem), [names.key]: base64(keyPem) };
  await client.create<Secret>(secrets, { metadata: key, data });
}

/** Writes the Secret's authority, and the policy, into the configurations of that name. */
export async function patchWebhooks(ports: Ports, key: SecretKey, options: PatchOptions): Promise<void> {
  const { webhookName: name, mutating, validating, failurePolicy } = options;
  if (!mutating && !validating)
    throw new CommandError(
      'patch-validating=false, patch-mutating=false. You must patch at least one kind of webhook, otherwise this command is a no-op',
    );
  if (!['', 'Ignore', 'Fail'].includes(failurePolicy))
    throw new CommandError(`patch-failure-policy ${failurePolicy} is not valid`);
  const caBundle = await awaitAuthority(ports, key);
  ports.log.info({ name, mutating, validating, failurePolicy }, 'patching webhook configurations');
  const change = { caBundle, ...(failurePolicy === '' ? {} : { failurePolicy }) };
  if (validating) await patchOne(ports, validatingWebhookConfigurations, name, change);
  if (mutating) await patchOne(ports, mutatingWebhookConfigurations, name, change);
  ports.log.info({}, 'Patched hook(s)');
}

/** In base64, as the API has it; undefined where there is no such Secret. */
async function authorityIn(client: ApiClient, key: SecretKey): Promise<string | undefined> {
  let found: Secret;
  try {
    found = await client.get<Secret>(secrets, key);
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
  const { ca } = found.data ?? {};
  if (ca === undefined) throw new CommandError("got secret, but it did not contain a 'ca' key");
  return ca;
}

async function awaitAuthority({ client, clock, log }: Ports, key: SecretKey): Promise<string> {
  const untilMs = clock.monotonicMs() + secretPatienceMs;
  for (let first = true; ; first = false) {
    const ca = await authorityIn(client, key);
    if (ca !== undefined) return ca;
    if (first) log.info({ secret: key.name }, 'no secret found yet');
    if (clock.monotonicMs() >= untilMs) throw new CommandError(`no secret with '${key.name}' in '${key.namespace}'`);
    await clock.sleep(secretPollMs);
  }
}

interface Change {
  readonly caBundle: string;
  readonly failurePolicy?: string;
}

/** Read and written whole: the Jobs' account may get and update. Another's change in between is taken up. */
async function patchOne<T extends ValidatingWebhookConfiguration | MutatingWebhookConfiguration>(
  { client }: Ports,
  resource: Resource<T>,
  name: string,
  { caBundle, ...policy }: Change,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const found = await client.get<T>(resource, { name });
    const webhooks = (found.webhooks ?? []).map((webhook) => ({
      ...webhook,
      ...policy,
      clientConfig: { ...webhook.clientConfig, caBundle },
    }));
    try {
      await client.update<T>(resource, { ...found, webhooks });
      return;
    } catch (error) {
      if (!hasReason(error, 'Conflict') || tries === conflictTriesMax) throw error;
    }
  }
}
