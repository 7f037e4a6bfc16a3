// csi-local: folders of this node as volumes, through CSI, and what makes them for claims.
import { realpath, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { createDriver, registrationService } from '@drydock/csi/driver.ts';
import { SocketServer, SocketTakenError } from '@drydock/csi/socket-server.ts';
import { LocalVolumeFolders } from '@drydock/csi/volume-folders.ts';
import { LocalVolumeMounts } from '@drydock/csi/volume-mounts.ts';
import { VolumeStore } from '@drydock/csi/volume-store.ts';
import { makeFolderDurably, NodeDisk } from '@drydock/foundation/node-disk.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { flags } from './flags.ts';
import { inProcessDriver } from './in-process-driver.ts';
import { startProvisioning } from './provisioning.ts';

const version = '0.1.0';

function socketOf(flag: string, text: string): string {
  const path = text.replace(/^unix:(\/\/)?/, '');
  if (isAbsolute(path)) return path;
  throw new StartupError(`--${flag}: expected unix:///PATH, got ${JSON.stringify(text)}`);
}

await runProgram({
  name: 'csi-local',
  flags,
  dialect: { style: 'pflag' },
  version,
  async start(context) {
    const { log, lifecycle } = context;
    const { values } = context.flags;
    const { drivername: driverName, statedir } = values;
    const nodeId = values.nodeid || hostname();
    const endpoint = socketOf('endpoint', values.endpoint);
    const registration = values['kubelet-registration-path'];
    const volumes = join(statedir, 'volumes');
    for (const folder of [volumes, dirname(endpoint)]) await makeFolderDurably(folder, folder);
    const { blocks, bsize } = await statfs(volumes);
    const folders = new LocalVolumeFolders(await realpath(volumes));
    const store = await VolumeStore.open({
      disk: new NodeDisk(statedir),
      folders,
      log,
      nodeId,
      capacityBytes: values.capacity || blocks * bsize,
    });
    const driver = createDriver({ driverName, version, nodeId, store, folders, mounts: new LocalVolumeMounts(folders) });
    try {
      await lifecycle.start(new SocketServer(endpoint, driver.services, log));
      if (registration !== '') {
        const refused = (why: string) => log.error({ why }, 'the kubelet does not take the driver');
        const path = socketOf('kubelet-registration-path', registration);
        await lifecycle.start(new SocketServer(path, [registrationService(driverName, endpoint, refused)], log));
      }
    } catch (error) {
      throw error instanceof SocketTakenError ? new StartupError(error.message, { cause: error }) : error;
    }
    if (values.kubeconfig !== '') {
      const topology = driver.node.info().accessible_topology.segments;
      const own = inProcessDriver(driver.controller, { name: driverName, nodeName: nodeId, topology });
      await startProvisioning(own, values, context);
    }
    log.info({ driver: driverName, node: nodeId, volumes: store.list().length }, 'started');
  },
});
