// Who may connect where in a lab, as kubeadm's documentation of certificates, etcd's transport security model and Kubernetes'
// pages on authentication, kubelet authorisation and delegated authentication say. Written by hand: nothing here is read from the lab.

/**
 * - `refused`: the connection itself ends, in TLS;
 * - a number: the status of HTTP; 401 is nobody whom the server knows, 403 somebody known who may not;
 * - a text: the server answers to a user of that name.
 */
export type Access = 'refused' | number | string;

/** What is asked at each kind of port. */
export interface AccessRow {
  /** A key of the store, read. */
  readonly storeClient: Access;
  /** The members that a member knows, asked as another member asks. */
  readonly storePeer: Access;
  /** An API server: whom it takes the caller for. */
  readonly api: Access;
  /** Its gRPC port, for the project's own programs: the same, but nobody is anonymous. */
  readonly apiGrpc: Access;
  /** A kubelet: its pods. */
  readonly kubelet: Access;
  /** Its port for the API server alone: figures about its pods. */
  readonly agent: Access;
  /** A scheduler or a controller-manager: its figures. */
  readonly figures: Access;
}

/** Known to no port. */
const nowhere: AccessRow = {
  storeClient: 'refused',
  storePeer: 'refused',
  api: 401,
  apiGrpc: 401,
  kubelet: 401,
  agent: 'refused',
  figures: 401,
};
/** Known to the API server and to who asks it, and no more than that. */
const user = (name: string): AccessRow => ({ ...nowhere, api: name, apiGrpc: name, kubelet: 403, agent: 403, figures: 403 });
const administrator = (name: string): AccessRow => ({
  ...nowhere,
  api: name,
  apiGrpc: name,
  kubelet: 200,
  agent: 200,
  figures: 200,
});
const storeClient: AccessRow = { ...nowhere, storeClient: 200 };
const storeMember: AccessRow = { ...nowhere, storePeer: 200 };

/** By the certificate's file beneath `pki`; a lab of one member and one worker. */
export const accessTable: Readonly<Record<string, AccessRow>> = {
  // No certificate: anonymous at the API server, and to who asks it; kubelets take nobody who is.
  '-': { ...nowhere, api: 403, figures: 403 },
  // The names of an administrator, by an authority that is not the lab's.
  stranger: nowhere,
  admin: administrator('kubernetes-admin'),
  'apiserver-kubelet-client': administrator('kube-apiserver-kubelet-client'),
  'kube-scheduler': user('system:kube-scheduler'),
  'kube-controller-manager': user('system:kube-controller-manager'),
  'kube-proxy': user('system:kube-proxy'),
  'cluster-dns': user('system:coredns'),
  'ingress-controller': user('system:ingress-nginx'),
  'metrics-server': user('system:metrics-server'),
  'csi-local': user('system:csi-local'),
  'cloud-controller-manager': user('system:cloud-controller-manager'),
  'worker-1/kubelet-client': user('system:node:worker-1'),
  // Certificates to serve with are nobody's identity, whoever signed them.
  apiserver: nowhere,
  'worker-1/kubelet': nowhere,
  'apiserver-etcd-client': storeClient,
  'etcd/healthcheck-client': storeClient,
  // The gateway of a member is a client of that member.
  'etcd/etcd-1/server': storeClient,
  'etcd/etcd-1/peer': storeMember,
  // Speaks for others, by headers; for itself it is nobody.
  'front-proxy-client': nowhere,
  // Who has the key of an authority may be anybody whom it vouches for.
  ca: user('kubernetes'),
  'etcd/ca': storeClient,
  'etcd/peer-ca': storeMember,
  'front-proxy-ca': nowhere,
};

/** Which authority vouches for the server at a kind of port; undefined: its certificate is of its own making. */
export const serverAuthorities: Readonly<Record<keyof AccessRow, string | undefined>> = {
  storeClient: 'etcd/ca',
  storePeer: 'etcd/peer-ca',
  api: 'ca',
  apiGrpc: 'ca',
  kubelet: 'ca',
  agent: 'ca',
  figures: undefined,
};
