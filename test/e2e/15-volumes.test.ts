// Volumes that outlive their pods, as the study notes walk through them: a volume and a claim made by hand, a database with Recreate
// and a client for one question, everything deleted and made again with its data there, the claim deleted while it is in use, and the
// three ways of reclaiming. The database is a few lines of shell in busybox under the notes' names, for no lab has MySQL's image.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, kubectl, kubectlJson, labEnvironment, until } from './lab.ts';

const namespace = 'e2e-volumes';

/** One question per connection: INSERT keeps the line, everything else is answered with all lines. */
const server = `cat > /tmp/one <<'END'
#!/bin/sh
read -r line
case "$line" in
  INSERT*) echo "\${line#INSERT }" >> /var/lib/mysql/rows; echo OK ;;
  *) cat /var/lib/mysql/rows ;;
esac
END
chmod +x /tmp/one; exec nc -ll -p 3306 -e /tmp/one`;

describe.skipIf(e2eSkipReason !== undefined)(`volumes (${e2eSkipReason ?? 'as root'})`, () => {
  const folder = mkdtempSync('/tmp/drydock-volumes-');
  const file = (name: string, ...objects: object[]): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    return path;
  };
  const volume = (name: string, policy: string | undefined, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { type: 'local' } },
    spec: {
      storageClassName: name === 'mysql-pv-volume' ? 'manual' : name,
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: join(folder, name) },
      ...(policy === undefined ? {} : { persistentVolumeReclaimPolicy: policy }),
      ...more,
    },
  });
  const claim = (name: string, storageClassName: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } } },
  });
  const labels = { app: 'mysql' };
  const container = {
    image: 'busybox',
    imagePullPolicy: 'IfNotPresent',
    name: 'mysql',
    command: ['sh', '-c', server],
    env: [{ name: 'MYSQL_ROOT_PASSWORD', value: 'password' }],
    ports: [{ containerPort: 3306, name: 'mysql' }],
    volumeMounts: [{ name: 'mysql-persistent-storage', mountPath: '/var/lib/mysql' }],
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'mysql', namespace },
    spec: {
      selector: { matchLabels: labels },
      strategy: { type: 'Recreate' },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [container],
          volumes: [{ name: 'mysql-persistent-storage', persistentVolumeClaim: { claimName: 'mysql-pv-claim' } }],
        },
      },
    },
  };
  const phase = (kind: string, name: string) => kubectl('-n', namespace, 'get', kind, name, '-o', 'jsonpath={.status.phase}');
  const isGone = async (kind: string, name: string) =>
    (await kubectl('-n', namespace, 'get', kind, name, '--ignore-not-found', '-o', 'name')) === '';
  const ready = () => kubectl('-n', namespace, 'rollout', 'status', 'deployment/mysql', '--timeout=90s');

  /** `kubectl run -it --rm ... mysql-client`, with the question on its standard input. */
  const ask = async (question: string): Promise<string> => {
    const args = ['-n', namespace, 'run', '-i', '--rm', '--quiet', '--image=busybox', '--image-pull-policy=IfNotPresent'];
    const result = await execa(
      'kubectl',
      [...args, '--restart=Never', 'mysql-client', '--', 'nc', '-w', '5', 'mysql', '3306'],
      {
        env: await labEnvironment(),
        input: `${question}\n`,
        timeout: 90_000,
      },
    );
    return result.stdout.replace(/^pod "mysql-client" deleted.*$/m, '').trim();
  };

  afterAll(async () => {
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false');
    await kubectl('-n', namespace, 'delete', 'deployment,pod,pvc', '--all', '--now');
    await kubectl('delete', 'pv', '-l', 'type=local', '--wait=false');
    rmSync(folder, { recursive: true, force: true });
  });

  test('a claim gets the volume that was made for it', async () => {
    await kubectl('create', 'namespace', namespace);
    await kubectl('apply', '-f', file('mysql-pv.json', volume('mysql-pv-volume', undefined)));
    await kubectl('apply', '-f', file('mysql-pvc.json', claim('mysql-pv-claim', 'manual')));
    await until('the claim is bound', async () => (await phase('pvc', 'mysql-pv-claim')) === 'Bound');
    await until('the volume is bound', async () => (await phase('pv', 'mysql-pv-volume')) === 'Bound');
    expect((await kubectl('get', 'pv', 'mysql-pv-volume', '--no-headers')).split(/\s+/).slice(0, 7)).toEqual([
      'mysql-pv-volume',
      '20Gi',
      'RWO',
      'Retain',
      'Bound',
      `${namespace}/mysql-pv-claim`,
      'manual',
    ]);
    expect((await kubectl('-n', namespace, 'get', 'pvc', '--no-headers')).split(/\s+/).slice(0, 6)).toEqual([
      'mysql-pv-claim',
      'Bound',
      'mysql-pv-volume',
      '20Gi',
      'RWO',
      'manual',
    ]);
  });

  test('what the database keeps is there when it has been deleted and made again', async () => {
    const manifest = file('mysql-deployment.json', deployment);
    await kubectl('apply', '-f', manifest);
    await kubectl('-n', namespace, 'expose', 'deployment/mysql', '--port=3306');
    await ready();
    expect(await ask('INSERT first')).toBe('OK');
    await kubectl('delete', '-f', manifest);
    await until(
      'its pod is gone',
      async () => (await kubectl('-n', namespace, 'get', 'pods', '-l', 'app=mysql', '-o', 'name')) === '',
    );
    expect([await phase('pvc', 'mysql-pv-claim'), await phase('pv', 'mysql-pv-volume')]).toEqual(['Bound', 'Bound']);
    await kubectl('apply', '-f', manifest);
    await ready();
    expect(await ask('INSERT second')).toBe('OK');
    expect(await ask('SELECT')).toBe('first\nsecond');
  });

  test('a claim that is deleted while it is in use stays until it is not, then its volume is released with its data', async () => {
    await kubectl('-n', namespace, 'delete', 'pvc', 'mysql-pv-claim', '--wait=false');
    const row = await kubectl('-n', namespace, 'get', 'pvc', 'mysql-pv-claim', '--no-headers');
    expect(row.split(/\s+/)[1]).toBe('Terminating');
    const described = await kubectl('-n', namespace, 'describe', 'pvc', 'mysql-pv-claim');
    expect(described).toMatch(/Finalizers:\s+\[kubernetes\.io\/pvc-protection\]/);
    expect(described).toMatch(/Used By:\s+mysql-/);
    expect(await ask('SELECT')).toBe('first\nsecond');
    await kubectl('-n', namespace, 'delete', 'deployment', 'mysql');
    await until('the claim is gone', () => isGone('pvc', 'mysql-pv-claim'));
    await until('the volume is released', async () => (await phase('pv', 'mysql-pv-volume')) === 'Released');
    expect(readFileSync(join(folder, 'mysql-pv-volume/rows'), 'utf8')).toBe('first\nsecond\n');
  });

  /** A pod writes into the volume; then it and the claim are deleted. */
  async function useAndRelease(name: string, policy: string): Promise<void> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: {
        restartPolicy: 'Never',
        containers: [{ ...container, command: ['sh', '-c', 'mkdir -p /var/lib/mysql/a/b && echo x > /var/lib/mysql/a/b/c'] }],
        volumes: [{ name: 'mysql-persistent-storage', persistentVolumeClaim: { claimName: name } }],
      },
    };
    await kubectl('apply', '-f', file(`${name}.json`, volume(name, policy), claim(name, name), pod));
    await until('the pod has written', async () => (await phase('pod', name)) === 'Succeeded');
    expect(existsSync(join(folder, name, 'a/b/c'))).toBe(true);
    await kubectl('-n', namespace, 'delete', 'pod', name);
    await kubectl('-n', namespace, 'delete', 'pvc', name);
  }

  test('Delete: the volume and its files are gone', async () => {
    await useAndRelease('deleted', 'Delete');
    await until('the volume is gone', () => isGone('pv', 'deleted'));
    expect(existsSync(join(folder, 'deleted'))).toBe(false);
  });

  test('Recycle: the volume is emptied and available again', async () => {
    await useAndRelease('recycled', 'Recycle');
    await until('the volume is available', async () => (await phase('pv', 'recycled')) === 'Available', 90_000);
    expect([existsSync(join(folder, 'recycled')), existsSync(join(folder, 'recycled/a'))]).toEqual([true, false]);
    expect(await kubectl('-n', 'default', 'get', 'pod', 'recycler-for-recycled', '--ignore-not-found', '-o', 'name')).toBe('');
  });

  test('a pod of a class that waits for it goes to the node of its volume', async () => {
    const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes');
    const node = items.at(-1)?.metadata.name ?? '';
    const path = join(folder, 'pinned');
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }];
    const pinned = volume('pinned', 'Retain', {
      hostPath: undefined,
      local: { path: folder },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    });
    const storageClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'pinned' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    };
    await kubectl('apply', '-f', file('pinned.json', storageClass, pinned, claim('pinned', 'pinned')));
    await until('the claim says what it waits for', async () =>
      (await kubectl('-n', namespace, 'describe', 'pvc', 'pinned')).includes(
        'waiting for first consumer to be created before binding',
      ),
    );
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'pinned', namespace },
      spec: {
        restartPolicy: 'Never',
        containers: [{ ...container, command: ['sh', '-c', 'echo here > /var/lib/mysql/pinned'] }],
        volumes: [{ name: 'mysql-persistent-storage', persistentVolumeClaim: { claimName: 'pinned' } }],
      },
    };
    await kubectl('apply', '-f', file('pinned-pod.json', pod));
    await until('the pod has written', async () => (await phase('pod', 'pinned')) === 'Succeeded');
    expect(await kubectl('-n', namespace, 'get', 'pod', 'pinned', '-o', 'jsonpath={.spec.nodeName}')).toBe(node);
    expect(readFileSync(path, 'utf8')).toBe('here\n');
    await kubectl('delete', 'storageclass', 'pinned');
  });
});
