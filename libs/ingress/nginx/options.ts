// What a configuration of nginx is made for, besides the plan.

export interface NginxOptions {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Whom workers run as; undefined where the master is not root and cannot choose. */
  readonly user: string | undefined;
  /** Folder of ingress.lua. */
  readonly luaFolder: string;
  /** Folder of nginx's modules. */
  readonly modulesFolder: string;
  /** Told at the control socket, so that who reloads sees when it has come to pass. */
  readonly generation: string;
}

/**
 * Files of one nginx, relative to the folder that it is started in. Relative, so that workers, who are not root, need to be let into
 * this folder only and not into those above it.
 */
export const files = {
  config: 'nginx.conf',
  candidate: 'nginx.conf.new',
  pid: 'nginx.pid',
  control: 'control/nginx.sock',
  backends: 'backends.txt',
  tls: 'tls',
  passwords: 'passwords',
  temporary: 'temporary',
} as const;

/** The controller's own certificate, beside those of Secrets. */
export const ownCertificate = 'default-fake-certificate';

/** File name (without ending) of the certificate of a Secret; undefined: the controller's own. No two Secrets share one. */
export function certificateName(secret: string | undefined): string {
  return secret === undefined ? ownCertificate : secret.replace('/', '_');
}
