// Who may approve and sign certificate requests, and what may not be asked for (plugin/pkg/admission/certificates).
import type { CertificateSigningRequest } from '@drydock/api/generated/types.ts';
import { semanticEqual } from '@drydock/api/json.ts';
import { mastersGroup } from '../authn/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { User } from '../request.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const group = 'certificates.k8s.io';
const clientSigner = 'kubernetes.io/kube-apiserver-client';

function isRequest({ info }: AdmissionRequest): boolean {
  return info.group === group && info.resource === 'certificatesigningrequests';
}

/** Whether the user has `verb` on the signer, by its full name or by `domain/*`. */
function mayUseSigner(authorizer: Authorizer, user: User, verb: string, signerName: string): boolean {
  const domain = signerName.slice(0, Math.max(0, signerName.indexOf('/')));
  return [signerName, `${domain}/*`].some(
    (name) =>
      authorizer.authorize({
        user,
        verb,
        group,
        version: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
        path: '',
        isResource: true,
      }).allowed,
  );
}

function refuse(request: AdmissionRequest, verb: string, signerName: string) {
  const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`;
  return forbiddenObject(request.info, request.name, why);
}

/** CertificateApproval: `approve` on the signer. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    validate(request) {
      if (!isRequest(request) || request.subresource !== 'approval' || request.operation !== 'UPDATE') return;
      const signerName = (request.old as CertificateSigningRequest).spec?.signerName ?? '';
      if (!mayUseSigner(authorizer, request.user, 'approve', signerName)) throw refuse(request, 'approve', signerName);
    },
  };
}

/** CertificateSigning: `sign` on the signer, for whoever writes a certificate or says that signing failed. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    validate(request) {
      if (!isRequest(request) || request.subresource !== 'status' || request.operation !== 'UPDATE') return;
      const old = request.old as CertificateSigningRequest;
      const now = request.object as CertificateSigningRequest;
      const same =
        (now.status?.certificate ?? '') === (old.status?.certificate ?? '') &&
        semanticEqual(now.status?.conditions, old.status?.conditions);
      const signerName = old.spec?.signerName ?? '';
      if (!same && !mayUseSigner(authorizer, request.user, 'sign', signerName)) throw refuse(request, 'sign', signerName);
    },
  };
}

/** CertificateSubjectRestriction: no client certificate says that its owner is a master of the cluster. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  async validate(request) {
    if (!isRequest(request) || request.subresource !== '' || request.operation !== 'CREATE') return;
    const { spec } = request.object as CertificateSigningRequest;
    if (spec?.signerName !== clientSigner) return;
    const { requestedSubject } = await import('@drydock/pki/request.ts');
    const { organizations } = requestedSubject(Buffer.from(spec.request, 'base64').toString());
    if (!organizations.includes(mastersGroup)) return;
    const why = `use of ${clientSigner} signer with ${mastersGroup} group is not allowed`;
    throw forbiddenObject(request.info, request.name, why);
  },
};
