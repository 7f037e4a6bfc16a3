// The authorities and certificates of a lab, as kubeadm lays them out: who vouches for whom, and under which names each is reached.
import { type CertificateRequest, clientCertificate, forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import type { AuthorityRequest } from '@drydock/pki/folder.ts';
import { cloudUser, dnsUser, ingressUser, kubeletApiGroup } from './bootstrap.ts';
import { metricsServiceNames, metricsUser } from './metrics-objects.ts';
import { kubernetesServiceAddress } from './programs/control-plane.ts';
import { metricsCertificate } from './programs/metrics.ts';
import { storageUser } from './storage-objects.ts';
import { membersOf, nodesOf, type Topology } from './topology.ts';

/** Of the API's clients and servers, of the store's, of the store's members among themselves, of proxies that speak for users. */
export const authorityNames = ['ca', 'etcd/ca', 'etcd/peer-ca', 'front-proxy-ca'] as const;
type AuthorityName = (typeof authorityNames)[number];

/** File names (without ending) to authorities, and those to certificates. */
export function authoritiesOf(topology: Topology): Record<AuthorityName, AuthorityRequest> {
  return {
    ca: { commonName: 'kubernetes', certificates: clusterCertificates(topology) },
    'etcd/ca': {
      commonName: 'etcd-ca',
      certificates: {
        ...forMembers(topology, 'server'),
        'etcd/healthcheck-client': clientCertificate('kube-etcd-healthcheck-client'),
        'apiserver-etcd-client': clientCertificate('kube-apiserver-etcd-client'),
      },
    },
    // kubeadm has the store's authority for this too, and lets each of its clients speak as a member.
    'etcd/peer-ca': { commonName: 'etcd-peer-ca', certificates: forMembers(topology, 'peer') },
    'front-proxy-ca': {
      commonName: 'front-proxy-ca',
      certificates: { 'front-proxy-client': clientCertificate('front-proxy-client') },
    },
  };
}

function clusterCertificates(topology: Topology): Record<string, CertificateRequest> {
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
    'apiserver-kubelet-client': clientCertificate('kube-apiserver-kubelet-client', kubeletApiGroup),
    'kube-scheduler': clientCertificate('system:kube-scheduler'),
    'kube-controller-manager': clientCertificate('system:kube-controller-manager'),
    'kube-proxy': clientCertificate('system:kube-proxy'),
    'cluster-dns': clientCertificate(dnsUser),
    'ingress-controller': clientCertificate(ingressUser),
    'csi-local': clientCertificate(storageUser),
    'cloud-controller-manager': clientCertificate(cloudUser),
    'metrics-server': clientCertificate(metricsUser),
  };
  for (const member of membersOf(topology, 'metrics'))
    requests[metricsCertificate(member)] = servingCertificate('metrics-server', [...metricsServiceNames, member.address]);
  for (const { name, address } of nodesOf(topology)) {
    const user = `system:node:${name}`;
    requests[`${name}/kubelet`] = servingCertificate(user, [name, address], ['system:nodes']);
    requests[`${name}/kubelet-client`] = clientCertificate(user, 'system:nodes');
  }
  return requests;
}

const local = ['127.0.0.1', 'localhost'];

/** Both sides of a connection: members speak with each other, and the gateway of one is its own client. */
function forMembers(topology: Topology, file: 'server' | 'peer'): Record<string, CertificateRequest> {
  return Object.fromEntries(
    membersOf(topology, 'etcd').map(({ name, address }) => [
      `etcd/${name}/${file}`,
      forBothSides(servingCertificate(name, [name, address, ...local])),
    ]),
  );
}

/** Of labs that had one authority for everything: files that nothing reads any more, and whose keys still name somebody. */
export function supersededFiles(topology: Topology): string[] {
  const names = topology.members.filter(({ kind }) => kind === 'etcd' || kind === 'worker').map(({ name }) => name);
  return [...names, 'etcdctl-client'].flatMap((name) => [`${name}.crt`, `${name}.key`]);
}
