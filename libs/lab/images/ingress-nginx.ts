// Adapter: the two images of ingress-nginx's manifests, made of this project's programs, its Node and this machine's nginx.
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { findProgram } from '../machine/facts.ts';
import { busyboxLayer, nodeLayer, path, programWithLibraries } from './catalog.ts';
import { folder, type ImageSpec, type Layer, type LayerEntry, text } from './image-spec.ts';
import { launcher, programEntries } from './sources.ts';

const modulesFolder = '/usr/lib/nginx/modules';
const modules = ['ndk_http_module.so', 'ngx_http_lua_module.so'];
/** Where Debian has what is written in Lua. */
const luaFolder = '/usr/share/lua';

/** The controller. It runs as a user without rights and listens at port 80, so Node and nginx keep the one capability that it takes. */
export async function controllerImage(name: string): Promise<ImageSpec> {
  const node = await nodeLayer();
  const app = 'ingress-controller';
  const own = [
    launcher('nginx-ingress-controller', app),
    // The kubelet asks before it sends its own signal; it then waits for the end.
    text('wait-shutdown', '#!/bin/sh\nkill -TERM 1\n', 0o755),
  ];
  return {
    names: [name],
    layers: [
      await busyboxLayer(),
      { name: 'node-bind', entries: node.entries.map((entry) => mayBind(entry, 'usr/bin/node')) },
      await nginxLayer(),
      { name: app, entries: [...programEntries(app), ...own] },
    ],
    config: { Env: [path], Cmd: ['/nginx-ingress-controller'] },
  };
}

/** What its Jobs run. */
export async function certgenImage(name: string): Promise<ImageSpec> {
  const app = 'kube-webhook-certgen';
  const own = { name: app, entries: [...programEntries(app), launcher(app, app)] };
  return {
    names: [name],
    layers: [await busyboxLayer(), await nodeLayer(), own],
    config: { Env: [path], Entrypoint: [`/${app}`] },
  };
}

function mayBind(entry: LayerEntry, program: string): LayerEntry {
  return entry.type === 'copy' && entry.path === program ? { ...entry, mayBindLowPorts: true } : entry;
}

async function nginxLayer(): Promise<Layer> {
  const nginx = findProgram('nginx');
  if (nginx === undefined || !modules.every((name) => existsSync(join(modulesFolder, name))))
    throw new LabError('missing-packages', 'nginx is missing: apt-get install -y nginx libnginx-mod-http-lua');
  const program = await programWithLibraries(nginx, 'usr/sbin/nginx');
  const loaded: LayerEntry[] = [];
  for (const name of modules) {
    const file = join(modulesFolder, name);
    loaded.push(...(await programWithLibraries(file, file.slice(1))));
  }
  const made = ['usr/lib/nginx', modulesFolder.slice(1), 'usr/share', 'var/lib', 'var/lib/nginx', 'var/log/nginx'];
  const entries = [...made.map((name) => folder(name)), ...program, ...loaded, folder(luaFolder.slice(1)), ...tree(luaFolder)];
  const unique = [...new Map(entries.map((entry) => [entry.path, entry])).values()];
  return { name: 'nginx', entries: unique.map((entry) => mayBind(entry, 'usr/sbin/nginx')) };
}

/** The files of a folder of this machine, at their own places. */
function tree(place: string): LayerEntry[] {
  return readdirSync(place)
    .sort()
    .flatMap((name): LayerEntry[] => {
      const source = join(place, name);
      const stat = lstatSync(source);
      if (stat.isDirectory()) return [folder(source.slice(1)), ...tree(source)];
      return stat.isFile() ? [{ type: 'copy', path: source.slice(1), mode: 0o644, source }] : [];
    });
}
