// What can go wrong in the store, as data: a code per failure, its gRPC status and its text. Facts of etcd's
// api/v3rpc/rpctypes/error.go.

/** gRPC status numbers (https://grpc.github.io/grpc/core/md_doc_statuscodes.html), those in use here. */
const grpc = {
  unknown: 2,
  invalidArgument: 3,
  deadline: 4,
  notFound: 5,
  permission: 7,
  exhausted: 8,
  precondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

const table = {
  emptyKey: [grpc.invalidArgument, 'etcdserver: key is not provided'],
  keyNotFound: [grpc.invalidArgument, 'etcdserver: key not found'],
  valueProvided: [grpc.invalidArgument, 'etcdserver: value is provided'],
  leaseProvided: [grpc.invalidArgument, 'etcdserver: lease is provided'],
  tooManyOps: [grpc.invalidArgument, 'etcdserver: too many operations in txn request'],
  duplicateKey: [grpc.invalidArgument, 'etcdserver: duplicate key given in txn request'],
  compacted: [grpc.outOfRange, 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: [grpc.outOfRange, 'etcdserver: mvcc: required revision is a future revision'],
  noSpace: [grpc.exhausted, 'etcdserver: mvcc: database space exceeded'],
  invalidSort: [grpc.invalidArgument, 'etcdserver: invalid sort option'],
  leaseNotFound: [grpc.notFound, 'etcdserver: requested lease not found'],
  leaseExists: [grpc.precondition, 'etcdserver: lease already exists'],
  leaseTtlTooLarge: [grpc.outOfRange, 'etcdserver: too large lease TTL'],
  memberExists: [grpc.precondition, 'etcdserver: member ID already exist'],
  peerUrlExists: [grpc.precondition, 'etcdserver: Peer URLs already exists'],
  // These two have an error of the API with a code; the original answers with the client library's form of it, which has none.
  notEnoughStarted: [grpc.unknown, 'etcdserver: re-configuration failed due to not enough started members'],
  badMemberUrls: [grpc.invalidArgument, 'etcdserver: given member URLs are invalid'],
  memberNotFound: [grpc.notFound, 'etcdserver: member not found'],
  memberNotLearner: [grpc.precondition, 'etcdserver: can only promote a learner member'],
  learnerNotReady: [grpc.precondition, 'etcdserver: can only promote a learner member which is in sync with leader'],
  tooManyLearners: [grpc.precondition, 'etcdserver: too many learner members in cluster'],
  requestTooLarge: [grpc.invalidArgument, 'etcdserver: request is too large'],
  tooManyRequests: [grpc.unknown, 'etcdserver: too many requests'],
  rootUserMissing: [grpc.precondition, 'etcdserver: root user does not exist'],
  userNotFound: [grpc.precondition, 'etcdserver: user name not found'],
  roleNotFound: [grpc.precondition, 'etcdserver: role name not found'],
  rootRoleMissing: [grpc.precondition, 'etcdserver: root user does not have root role'],
  userExists: [grpc.precondition, 'etcdserver: user name already exists'],
  userEmpty: [grpc.invalidArgument, 'etcdserver: user name is empty'],
  roleExists: [grpc.precondition, 'etcdserver: role name already exists'],
  roleEmpty: [grpc.invalidArgument, 'etcdserver: role name is empty'],
  roleNotGranted: [grpc.precondition, 'etcdserver: role is not granted to the user'],
  permissionNotGranted: [grpc.precondition, 'etcdserver: permission is not granted to the role'],
  permissionNotGiven: [grpc.invalidArgument, 'etcdserver: permission not given'],
  permissionDenied: [grpc.permission, 'etcdserver: permission denied'],
  authFailed: [grpc.invalidArgument, 'etcdserver: authentication failed, invalid user ID or password'],
  authNotEnabled: [grpc.precondition, 'etcdserver: authentication is not enabled'],
  authOldRevision: [grpc.invalidArgument, 'etcdserver: revision of auth store is old'],
  invalidAuthToken: [grpc.unauthenticated, 'etcdserver: invalid auth token'],
  invalidAuthManagement: [grpc.invalidArgument, 'etcdserver: invalid auth management'],
  // These have no text of the API: they come as the original's inner ones.
  noPasswordUser: [grpc.unknown, 'auth: authentication failed, password was given for no password user'],
  passwordTooLong: [grpc.unknown, 'bcrypt: password length exceeds 72 bytes'],
  tokenVerifyOnly: [grpc.unknown, 'auth: token signing attempted with verify-only key'],
  noLeader: [grpc.unavailable, 'etcdserver: no leader'],
  notLeader: [grpc.precondition, 'etcdserver: not leader'],
  leaderChanged: [grpc.unavailable, 'etcdserver: leader changed'],
  stopped: [grpc.unavailable, 'etcdserver: server stopped'],
  timeout: [grpc.unavailable, 'etcdserver: request timed out'],
  timeoutLeaderFailure: [grpc.unavailable, 'etcdserver: request timed out, possibly due to previous leader failure'],
  timeoutConnectionLost: [grpc.unavailable, 'etcdserver: request timed out, possibly due to connection lost'],
  timeoutTransfer: [grpc.unknown, 'etcdserver: request timed out, leader transfer took too long'],
  /** Go's own words: the original has none for a request that no leader has taken. */
  deadlineExceeded: [grpc.deadline, 'context deadline exceeded'],
  unhealthy: [grpc.unavailable, 'etcdserver: unhealthy cluster'],
  corrupt: [grpc.dataLoss, 'etcdserver: corrupt cluster'],
  notForLearner: [grpc.unavailable, 'etcdserver: rpc not supported for learner'],
  badTransferee: [grpc.precondition, 'etcdserver: bad leader transferee'],
  badRequest: [grpc.invalidArgument, 'etcdserver: malformed request'],
  downgradeVersionFormat: [grpc.invalidArgument, 'etcdserver: wrong downgrade target version format'],
  downgradeTarget: [grpc.invalidArgument, 'etcdserver: invalid downgrade target version'],
  downgradeInProcess: [grpc.precondition, 'etcdserver: cluster has a downgrade job in progress'],
  noDowngrade: [grpc.precondition, 'etcdserver: no inflight downgrade job'],
  unknownMethod: [grpc.unknown, 'etcdserver: unknown method'],
  unimplemented: [grpc.unimplemented, 'etcdserver: not implemented'],
} as const;

export type EtcdErrorCode = keyof typeof table;

/** The failure that a client sees as this text: what another member of the same release has answered. */
export function errorOfText(text: string): EtcdError | undefined {
  const code = (Object.keys(table) as EtcdErrorCode[]).find((key) => table[key][1] === text);
  return code === undefined ? undefined : new EtcdError(code);
}

/** A request that fails; `code` says why, `grpcCode` and `message` are what a client sees. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  readonly code: EtcdErrorCode;
  readonly grpcCode: number;

  constructor(code: EtcdErrorCode, options?: ErrorOptions) {
    super(table[code][1], options);
    this.code = code;
    this.grpcCode = table[code][0];
  }
}

/** What Go's gRPC library calls the statuses that refuse a caller. */
const goCodeNames: Readonly<Record<number, string>> = {
  [grpc.invalidArgument]: 'InvalidArgument',
  [grpc.permission]: 'PermissionDenied',
  [grpc.unauthenticated]: 'Unauthenticated',
  [grpc.unavailable]: 'Unavailable',
};

/** An error as Go prints a gRPC status, where etcd puts that into an answer. */
export function goStatusText({ grpcCode, message }: EtcdError): string {
  return `rpc error: code = ${goCodeNames[grpcCode] ?? 'Unknown'} desc = ${message}`;
}
