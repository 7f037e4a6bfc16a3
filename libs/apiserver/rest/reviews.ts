// Reviews: questions about identity and permission that are asked as objects and stored nowhere.
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
} from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import { withAuthenticated } from '../authn/user.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import type { Call } from '../call.ts';
import type { User } from '../request.ts';
import type { Action } from './actions.ts';

export interface ReviewSources {
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly tokens: ServiceAccountTokens;
}

/** The create actions of the review resources. */
export function reviewActions({ authorizer, rbac, tokens }: ReviewSources): Readonly<Record<string, Action>> {
  const access = (user: User, resource?: ResourceAttributes, path?: NonResourceAttributes) => {
    const decision = authorizer.authorize(attributesFrom(user, resource, path));
    return { allowed: decision.allowed, ...(decision.reason === '' ? {} : { reason: decision.reason }) };
  };
  return {
    'selfsubjectaccessreviews.authorization.k8s.io': async (call, asked) => {
      const review = asked as SelfSubjectAccessReview;
      const { resourceAttributes, nonResourceAttributes } = review.spec ?? {};
      oneOf(resourceAttributes, nonResourceAttributes);
      return answered(review, access(call.user, resourceAttributes, nonResourceAttributes));
    },
    'subjectaccessreviews.authorization.k8s.io': async (_call, asked) => {
      const review = asked as SubjectAccessReview;
      const { resourceAttributes, nonResourceAttributes } = review.spec ?? {};
      oneOf(resourceAttributes, nonResourceAttributes);
      return answered(review, access(userFrom(review), resourceAttributes, nonResourceAttributes));
    },
    'localsubjectaccessreviews.authorization.k8s.io': async (call, asked) => {
      const review = asked as LocalSubjectAccessReview;
      const { namespace } = call.request.target;
      if (review.spec?.resourceAttributes?.namespace !== namespace) {
        throw apiError('BadRequest', `spec.resourceAttributes.namespace must match namespace: ${namespace}`);
      }
      return answered(review, access(userFrom(review), review.spec.resourceAttributes));
    },
    'selfsubjectrulesreviews.authorization.k8s.io': async (call, asked) => rulesReview(call, asked, rbac),
    'selfsubjectreviews.authentication.k8s.io': async (call, asked) => answered(asked, { userInfo: userInfo(call.user) }),
    'tokenreviews.authentication.k8s.io': async (_call, asked) => {
      const review = asked as TokenReview;
      const { token = '', audiences } = review.spec ?? {};
      if (token === '') throw apiError('BadRequest', 'token is required for TokenReview in authentication');
      const wanted = audiences === undefined || audiences.length === 0 ? tokens.audiences : audiences;
      const user = await tokens.authenticate(token, wanted);
      if (user === undefined) return answered(review, { user: {}, error: 'invalid bearer token' });
      const matching = await tokens.audiencesOf(token, wanted);
      return answered(review, { authenticated: true, user: userInfo(withAuthenticated(user)), audiences: matching });
    },
  };
}

function answered(review: KubeObject, status: object): KubeObject {
  return { ...review, status } as KubeObject;
}

function oneOf(resource: unknown, path: unknown): void {
  if ((resource === undefined) !== (path === undefined)) return;
  const why =
    resource === undefined
      ? 'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified'
      : 'spec.nonResourceAttributes: Invalid value: null: cannot be specified in combination with resourceAttributes';
  throw apiError('Invalid', `.authorization.k8s.io "" is invalid: ${why}`, {
    group: 'authorization.k8s.io',
    causes: [{ reason: 'FieldValueInvalid', message: why.slice(why.indexOf(': ') + 2), field: why.split(':')[0] ?? '' }],
  });
}

function attributesFrom(user: User, resource?: ResourceAttributes, path?: NonResourceAttributes): Attributes {
  const { verb = '', group = '', version = '', namespace = '', name = '', subresource = '' } = resource ?? {};
  const isResource = resource !== undefined;
  return {
    user,
    verb: isResource ? verb : (path?.verb ?? ''),
    group,
    version,
    resource: resource?.resource ?? '',
    subresource,
    namespace,
    name,
    path: path?.path ?? '',
    isResource,
  };
}

function userFrom(review: SubjectAccessReview | LocalSubjectAccessReview): User {
  const { user = '', groups = [], uid = '', extra = {} } = review.spec ?? {};
  if (user === '' && groups.length === 0)
    throw apiError('BadRequest', 'spec.user: at least one of user or group must be specified');
  return { name: user, groups, uid, extra };
}

function userInfo(user: User): object {
  return {
    username: user.name,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

async function rulesReview(call: Call, asked: KubeObject, rbac: RbacAuthorizer): Promise<KubeObject> {
  const review = asked as SelfSubjectRulesReview;
  const namespace = review.spec?.namespace ?? '';
  if (namespace === '') throw apiError('BadRequest', 'no namespace on request');
  const resourceRules: object[] = [];
  const nonResourceRules: object[] = [];
  if (call.user.groups.includes('system:masters')) {
    resourceRules.push({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] });
    nonResourceRules.push({ verbs: ['*'], nonResourceURLs: ['*'] });
  }
  for (const { rule } of rbac.rulesFor(call.user, namespace)) {
    const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    if ((resources ?? []).length > 0) {
      resourceRules.push({ verbs, apiGroups, resources, ...(resourceNames === undefined ? {} : { resourceNames }) });
    }
    if ((nonResourceURLs ?? []).length > 0) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  return answered({ ...review, spec: {} } as KubeObject, { resourceRules, nonResourceRules, incomplete: false });
}
