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
}

/**
 * Stands in the configuration where its generation is to be told, so that who reloads sees when it has come to pass: the generation is
 * known when all of the text is. Of what is said before it nothing can have an `@`.
 */
export const generationPlace = '@generation@';

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
