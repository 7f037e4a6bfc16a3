// A data directory of etcd that cannot be taken over; the directory is as it was.
export class ImportError extends Error {
  override readonly name = 'ImportError';
}
