// The errors of etcd's API: gRPC code and text, as clients of 3.5 and 3.6 get them, by the names in api/v3rpc/rpctypes/error.go.
// Two have a code there that is lost on the way (v3rpc/util.go names the client's error instead).

const [unknown, invalidArgument, notFound, permissionDenied, exhausted, precondition, outOfRange, unavailable, dataLoss] = [
  2, 3, 5, 7, 8, 9, 11, 14, 15,
];
const unauthenticated = 16;

export const rpcErrors = {
  EmptyKey: [invalidArgument, 'etcdserver: key is not provided'],
  KeyNotFound: [invalidArgument, 'etcdserver: key not found'],
  ValueProvided: [invalidArgument, 'etcdserver: value is provided'],
  LeaseProvided: [invalidArgument, 'etcdserver: lease is provided'],
  TTLZero: [invalidArgument, 'etcdserver: ttl is 0'],
  TooManyOps: [invalidArgument, 'etcdserver: too many operations in txn request'],
  DuplicateKey: [invalidArgument, 'etcdserver: duplicate key given in txn request'],
  InvalidSortOption: [invalidArgument, 'etcdserver: invalid sort option'],
  Compacted: [outOfRange, 'etcdserver: mvcc: required revision has been compacted'],
  FutureRev: [outOfRange, 'etcdserver: mvcc: required revision is a future revision'],
  NoSpace: [exhausted, 'etcdserver: mvcc: database space exceeded'],

  LeaseNotFound: [notFound, 'etcdserver: requested lease not found'],
  LeaseExist: [precondition, 'etcdserver: lease already exists'],
  LeaseTTLTooLarge: [outOfRange, 'etcdserver: too large lease TTL'],

  MemberExist: [precondition, 'etcdserver: member ID already exist'],
  PeerURLExist: [precondition, 'etcdserver: Peer URLs already exists'],
  MemberNotEnoughStarted: [unknown, 'etcdserver: re-configuration failed due to not enough started members'],
  MemberBadURLs: [invalidArgument, 'etcdserver: given member URLs are invalid'],
  MemberNotFound: [notFound, 'etcdserver: member not found'],
  MemberNotLearner: [precondition, 'etcdserver: can only promote a learner member'],
  LearnerNotReady: [precondition, 'etcdserver: can only promote a learner member which is in sync with leader'],
  TooManyLearners: [precondition, 'etcdserver: too many learner members in cluster'],
  ClusterIdMismatch: [precondition, 'etcdserver: cluster ID mismatch'],

  RequestTooLarge: [invalidArgument, 'etcdserver: request is too large'],
  RequestTooManyRequests: [unknown, 'etcdserver: too many requests'],

  RootUserNotExist: [precondition, 'etcdserver: root user does not exist'],
  RootRoleNotExist: [precondition, 'etcdserver: root user does not have root role'],
  UserAlreadyExist: [precondition, 'etcdserver: user name already exists'],
  UserEmpty: [invalidArgument, 'etcdserver: user name is empty'],
  UserNotFound: [precondition, 'etcdserver: user name not found'],
  RoleAlreadyExist: [precondition, 'etcdserver: role name already exists'],
  RoleNotFound: [precondition, 'etcdserver: role name not found'],
  RoleEmpty: [invalidArgument, 'etcdserver: role name is empty'],
  AuthFailed: [invalidArgument, 'etcdserver: authentication failed, invalid user ID or password'],
  PermissionNotGiven: [invalidArgument, 'etcdserver: permission not given'],
  PermissionDenied: [permissionDenied, 'etcdserver: permission denied'],
  RoleNotGranted: [precondition, 'etcdserver: role is not granted to the user'],
  PermissionNotGranted: [precondition, 'etcdserver: permission is not granted to the role'],
  AuthNotEnabled: [precondition, 'etcdserver: authentication is not enabled'],
  InvalidAuthToken: [unauthenticated, 'etcdserver: invalid auth token'],
  InvalidAuthMgmt: [invalidArgument, 'etcdserver: invalid auth management'],
  AuthOldRevision: [invalidArgument, 'etcdserver: revision of auth store is old'],

  NoLeader: [unavailable, 'etcdserver: no leader'],
  NotLeader: [precondition, 'etcdserver: not leader'],
  LeaderChanged: [unavailable, 'etcdserver: leader changed'],
  NotCapable: [precondition, 'etcdserver: not capable'],
  Stopped: [unavailable, 'etcdserver: server stopped'],
  Timeout: [unavailable, 'etcdserver: request timed out'],
  TimeoutDueToLeaderFail: [unavailable, 'etcdserver: request timed out, possibly due to previous leader failure'],
  TimeoutDueToConnectionLost: [unavailable, 'etcdserver: request timed out, possibly due to connection lost'],
  TimeoutWaitAppliedIndex: [unavailable, 'etcdserver: request timed out, waiting for the applied index took too long'],
  Unhealthy: [unavailable, 'etcdserver: unhealthy cluster'],
  Corrupt: [dataLoss, 'etcdserver: corrupt cluster'],
  NotSupportedForLearner: [unavailable, 'etcdserver: rpc not supported for learner'],
  BadLeaderTransferee: [precondition, 'etcdserver: bad leader transferee'],

  ClusterVersionUnavailable: [precondition, 'etcdserver: cluster version not found during downgrade'],
  WrongDowngradeVersionFormat: [invalidArgument, 'etcdserver: wrong downgrade target version format'],
  InvalidDowngradeTargetVersion: [invalidArgument, 'etcdserver: invalid downgrade target version'],
  DowngradeInProcess: [precondition, 'etcdserver: cluster has a downgrade job in progress'],
  NoInflightDowngrade: [precondition, 'etcdserver: no inflight downgrade job'],

  CanceledWatch: [1, 'etcdserver: watch canceled'],
} as const;

export type RpcError = keyof typeof rpcErrors;
