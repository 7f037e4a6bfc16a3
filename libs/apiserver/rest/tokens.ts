// TokenRequest: a token for a service account, bound to an audience, a time and perhaps an object.
import type { Pod, ServiceAccount, AuthenticationTokenRequest as TokenRequest } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { nodes, pods, secrets, serviceAccounts } from '@drydock/api/resource.ts';
import { apiError, notServed } from '@drydock/api/status.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import { nodeNameOf } from '../authn/user.ts';
import type { Call } from '../call.ts';
import { conflict, forbiddenObject, notFound } from '../registry/errors.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const minSeconds = 600;
const maxSeconds = 2 ** 32;
const defaultSeconds = 3600;
/** What the kubelet asks for pods: such tokens live on for a year, so that old clients that never reread them go on working. */
const podTokenSeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

export interface TokenSources {
  readonly objects: ObjectStore;
  readonly tokens: ServiceAccountTokens;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly extendExpiration: boolean;
  /** 0: no bound. */
  readonly maxExpirationSeconds: number;
}

/** Signs a token for the service account in the path. */
export async function requestToken(call: Call, asked: KubeObject, sources: TokenSources): Promise<KubeObject> {
  const { objects, tokens, clock, random } = sources;
  const { namespace, name } = call.request.target;
  const account = (await objects.read(objectKey(serviceAccounts, namespace, name)))?.object as ServiceAccount | undefined;
  if (account === undefined) throw notFound(serviceAccounts, name);
  const request = asked as unknown as TokenRequest;
  const spec = request.spec ?? {};
  const audiences = spec.audiences === undefined || spec.audiences.length === 0 ? [...tokens.audiences] : spec.audiences;
  const wanted = spec.expirationSeconds ?? defaultSeconds;
  if (wanted < minSeconds) throw invalidExpiration(wanted, 'may not specify a duration less than 10 minutes');
  if (wanted > maxSeconds) throw invalidExpiration(wanted, 'may not specify a duration larger than 2^32 seconds');
  const capped = sources.maxExpirationSeconds > 0 ? Math.min(wanted, sources.maxExpirationSeconds) : wanted;
  const bound = await resolveBound(call, spec.boundObjectRef, objects, name);
  const issuedAt = Math.floor(clock.wallMs() / 1000);
  const forApi = audiences.some((audience) => tokens.audiences.includes(audience));
  const extend = sources.extendExpiration && wanted === podTokenSeconds && bound.pod !== undefined && forApi;
  const seconds = extend ? extendedSeconds : capped;
  const token = await tokens.sign({
    namespace,
    name,
    uid: account.metadata?.uid ?? '',
    audiences,
    issuedAt,
    expiresAt: issuedAt + seconds,
    warnAfter: extend ? issuedAt + wanted : undefined,
    jti: random.uuid(),
    ...bound,
  });
  if (token === undefined) throw notServed();
  return {
    ...request,
    metadata: { name, namespace, creationTimestamp: formatTime(clock.wallMs()) },
    spec: { ...spec, audiences, expirationSeconds: capped },
    status: { token, expirationTimestamp: formatTime((issuedAt + seconds) * 1000) },
  } as unknown as KubeObject;
}

interface Bound {
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid?: string };
}

async function resolveBound(
  call: Call,
  ref: NonNullable<TokenRequest['spec']>['boundObjectRef'],
  objects: ObjectStore,
  account: string,
): Promise<Bound> {
  const { namespace } = call.request.target;
  const kubelet = nodeNameOf(call.user);
  if (ref === undefined) {
    if (kubelet !== undefined) throw forbiddenObject(serviceAccounts, account, `node requested token not bound to a pod`);
    return {};
  }
  const name = ref.name ?? '';
  const find = async (resource: typeof pods | typeof secrets | typeof nodes, ns: string) => {
    const found = (await objects.read(objectKey(resource, ns, name)))?.object;
    if (found === undefined) throw notFound(resource, name);
    const uid = found.metadata?.uid ?? '';
    if (ref.uid !== undefined && ref.uid !== '' && ref.uid !== uid) {
      throw conflict(
        resource,
        name,
        `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    }
    return { uid, found };
  };
  switch (`${ref.apiVersion}/${ref.kind}`) {
    case 'v1/Pod': {
      const { uid, found } = await find(pods, namespace);
      const { serviceAccountName = 'default', nodeName = '' } = (found as Pod).spec ?? {};
      if (serviceAccountName !== account) {
        throw apiError(
          'BadRequest',
          `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
        );
      }
      if (kubelet !== undefined && kubelet !== nodeName)
        throw forbiddenObject(serviceAccounts, account, 'node requested token bound to a pod scheduled on a different node');
      if (nodeName === '') return { pod: { name, uid } };
      const node = (await objects.read(objectKey(nodes, '', nodeName)))?.object;
      const nodeUid = node?.metadata?.uid;
      return { pod: { name, uid }, node: { name: nodeName, ...(nodeUid === undefined ? {} : { uid: nodeUid }) } };
    }
    case 'v1/Secret':
      return { secret: { name, uid: (await find(secrets, namespace)).uid } };
    case 'v1/Node':
      return { node: { name, uid: (await find(nodes, '')).uid } };
    default:
      throw apiError('BadRequest', `cannot bind token to object of type ${ref.apiVersion}, Kind=${ref.kind}`);
  }
}

function invalidExpiration(value: number, detail: string) {
  const message = `Invalid value: ${value}: ${detail}`;
  return apiError('Invalid', `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ${message}`, {
    group: 'authentication.k8s.io',
    kind: 'TokenRequest',
    causes: [{ reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' }],
  });
}
