// Which etcd this behaves as.

/** API and behaviour follow this release. */
export const serverVersion = '3.6.4';
export const clusterVersion = '3.6.0';
