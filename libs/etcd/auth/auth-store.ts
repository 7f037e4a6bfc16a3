// Users, roles and their permissions: replicated state. Kept in the backend as etcd keeps it (buckets auth, authUsers, authRoles).
// Checks are synchronous and depend on nothing else, so that all members decide alike when they apply a request.
import { EtcdError } from '../errors.ts';
import type { Backend } from '../mvcc/backend.ts';
import { keyRange } from '../mvcc/key-range.ts';
import { permissionType, Role, User } from '../rpc/auth-messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import type { Identity } from './identity.ts';
import { KeyIntervals } from './key-intervals.ts';

export const rootUser = 'root';
export const rootRole = 'root';

/** Keys of the bucket `auth`. */
const enabledKey = 'authEnabled';
const revisionKey = 'authRevision';
/** Of a store that was never changed. */
const firstRevision = 1;

type Access = 'read' | 'write';
type Grants = Readonly<Record<Access, KeyIntervals>>;

export class AuthStore {
  readonly #backend: Backend;
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  /** Per user; made when it is needed, dropped with any change. */
  readonly #grants = new Map<string, Grants>();
  #enabled = false;
  #revision = firstRevision;
  /** Tokens of these users, or of all, are of no more use. */
  onInvalidate: (user: string | undefined) => void = () => {};

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Counts the changes. */
  get revision(): number {
    return this.#revision;
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  role(name: string): Role | undefined {
    return this.#roles.get(name);
  }

  /** In the order of the names. */
  users(): User[] {
    return sorted(this.#users);
  }

  roles(): Role[] {
    return sorted(this.#roles);
  }

  isRoot(name: string): boolean {
    return this.#users.get(name)?.roles.includes(rootRole) ?? false;
  }

  /** Throws where the user may not do this with all keys of the range. `identity` is undefined where nobody is known. */
  checkKeys(identity: Identity | undefined, access: Access, key: string, rangeEnd: string): void {
    if (!this.#enabled) return;
    if (identity === undefined || identity.revision === 0) throw new EtcdError('userEmpty');
    if (identity.revision < this.#revision) throw new EtcdError('authOldRevision');
    if (!this.#users.has(identity.user)) throw new EtcdError('permissionDenied');
    if (this.isRoot(identity.user)) return;
    if (!this.#grantsOf(identity.user)[access].covers(keyRange(key, rangeEnd))) throw new EtcdError('permissionDenied');
  }

  /** Throws where the user does not have the role root. */
  checkAdmin(identity: Identity | undefined): void {
    if (!this.#enabled) return;
    if (identity === undefined || identity.user === '') throw new EtcdError('userEmpty');
    if (!this.isRoot(identity.user)) throw new EtcdError('permissionDenied');
  }

  /** Turning on is no change of the revision; turning off is. */
  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    this.#backend.setRecord('auth', enabledKey, Buffer.of(enabled ? 1 : 0));
  }

  putUser(user: User): void {
    this.#users.set(user.name, user);
    this.#backend.setRecord('authUsers', user.name, encode(User, user));
  }

  deleteUser(name: string): void {
    this.#users.delete(name);
    this.#backend.setRecord('authUsers', name, undefined);
  }

  putRole(role: Role): void {
    this.#roles.set(role.name, role);
    this.#backend.setRecord('authRoles', role.name, encode(Role, role));
  }

  deleteRole(name: string): void {
    this.#roles.delete(name);
    this.#backend.setRecord('authRoles', name, undefined);
  }

  /** Ends a change. */
  changed(): void {
    this.#revision++;
    this.#grants.clear();
    const value = Buffer.allocUnsafeSlow(8);
    value.writeBigUInt64BE(BigInt(this.#revision));
    this.#backend.setRecord('auth', revisionKey, value);
  }

  /** Reads what the backend holds. */
  restore(): void {
    this.#users.clear();
    this.#roles.clear();
    this.#grants.clear();
    this.#enabled = false;
    this.#revision = firstRevision;
    for (const { key, value } of this.#backend.records('auth')) {
      if (key.toString() === enabledKey) this.#enabled = value[0] === 1;
      else if (key.toString() === revisionKey) this.#revision = Math.max(firstRevision, Number(value.readBigUInt64BE()));
    }
    for (const { value } of this.#backend.records('authUsers')) {
      const user = decode(User, Buffer.from(value));
      this.#users.set(user.name, user);
    }
    for (const { value } of this.#backend.records('authRoles')) {
      const role = decode(Role, Buffer.from(value));
      this.#roles.set(role.name, role);
    }
  }

  #grantsOf(name: string): Grants {
    let grants = this.#grants.get(name);
    if (grants === undefined) {
      const roles = (this.#users.get(name)?.roles ?? []).flatMap((role) => this.#roles.get(role) ?? []);
      const ranges = (refused: number) =>
        roles.flatMap(({ keyPermission }) =>
          keyPermission
            .filter(({ permType }) => permType !== refused)
            .map(({ key, range_end }): [string, string] => [key, range_end]),
        );
      grants = {
        read: new KeyIntervals(ranges(permissionType.write)),
        write: new KeyIntervals(ranges(permissionType.read)),
      };
      this.#grants.set(name, grants);
    }
    return grants;
  }
}

function sorted<T extends { readonly name: string }>(items: ReadonlyMap<string, T>): T[] {
  return [...items.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}
