// The certificates of a lab: upstream's identities, one certificate per role, under the names each is reached by.
import { type CertificateRequest, clientCertificate, forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import { dnsUser } from './bootstrap.ts';
import { kubernetesServiceAddress } from './programs/control-plane.ts';
import { membersOf, type Topology } from './topology.ts';

/** File name (without ending) to certificate. */
export function certificatesOf(topology: Topology): Record<string, CertificateRequest> {
  const local = ['127.0.0.1', 'localhost'];
  const requests: Record<string, CertificateRequest> = {
    admin: clientCertificate('kubernetes-admin', 'system:masters'),
    apiserver: servingCertificate('kube-apiserver', [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      kubernetesServiceAddress(topology),
      ...local,
      ...membersOf(topology, 'apiserver').map((member) => member.address),
      ...membersOf(topology, 'balancer').map((member) => member.address),
    ]),
    'apiserver-etcd-client': clientCertificate('kube-apiserver-etcd-client'),
    'apiserver-kubelet-client': clientCertificate('kube-apiserver-kubelet-client', 'system:masters'),
    'front-proxy-client': clientCertificate('front-proxy-client'),
    'etcdctl-client': clientCertificate('etcdctl'),
    'kube-scheduler': clientCertificate('system:kube-scheduler'),
    'kube-controller-manager': clientCertificate('system:kube-controller-manager'),
    'kube-proxy': clientCertificate('system:kube-proxy'),
    'cluster-dns': clientCertificate(dnsUser),
  };
  for (const member of membersOf(topology, 'etcd')) {
    requests[member.name] = forBothSides(servingCertificate(member.name, [member.name, member.address, ...local]));
  }
  for (const member of membersOf(topology, 'worker')) {
    requests[member.name] = forBothSides(
      servingCertificate(`system:node:${member.name}`, [member.name, member.address], ['system:nodes']),
    );
  }
  return requests;
}
