// Which handler a pod's sandbox is made with: that of its RuntimeClass, as it is then.
import type { RuntimeClass } from '@drydock/api/generated/types.ts';
import { events, runtimeClasses } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { EngineError } from '../engine/engine.ts';
import type { KubeletWorld } from '../testing/kubelet-world.ts';
import { container, pod } from '../testing/pods.ts';
import { scene } from '../testing/scene.ts';

/** A world whose engine knows one handler besides the default one; `made`: with which ones it was asked for sandboxes. */
async function world() {
  const made: string[] = [];
  const node = await scene({
    plantInEngine: (engine) =>
      new Proxy(engine, {
        get: (target, name) => {
          const own: unknown = Reflect.get(target, name);
          if (name !== 'runSandbox') return typeof own === 'function' ? own.bind(target) : own;
          return async (...[config, handler]: Parameters<typeof engine.runSandbox>) => {
            made.push(handler);
            if (handler === '' || handler === 'known') return engine.runSandbox(config, handler);
            const why = `failed to get sandbox runtime: no runtime for ${JSON.stringify(handler)} is configured`;
            throw new EngineError('Other', `rpc error: code = Unknown desc = ${why}`);
          };
        },
      }),
  });
  return { node, made };
}

async function warnings(each: KubeletWorld): Promise<string[]> {
  const { items } = await each.user.list(events, {});
  return items.filter(({ type }) => type === 'Warning').map(({ reason, message }) => `${reason} ${message}`);
}

const give = (each: KubeletWorld, name: string, handler: string) =>
  each.user.create<RuntimeClass>(runtimeClasses, { metadata: { name }, handler });

test('the handler of its class', async () => {
  const { node, made } = await world();
  await give(node, 'boxed', 'known');
  await node.create(pod('p', [container('a')], { runtimeClassName: 'boxed' }));
  await node.create(pod('q', [container('a')]));
  await node.untilReady('p', 10_000);
  await node.untilReady('q', 10_000);
  expect(made.sort()).toEqual(['', 'known']);
  expect(await warnings(node)).toEqual([]);
});

test('a handler that the engine does not know: the pod says so, and waits', async () => {
  const { node } = await world();
  await give(node, 'strange', 'unknown');
  await node.create(pod('p', [container('a')], { runtimeClassName: 'strange' }));
  await node.advance(5_000);
  expect(await warnings(node)).toContain(
    'FailedCreatePodSandBox Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "unknown" is configured',
  );
  expect(node.pod('p')?.status?.phase).toBe('Pending');
});

test('a class that was removed: no sandbox before there is one of that name again', async () => {
  const { node, made } = await world();
  await node.create(pod('p', [container('a')], { runtimeClassName: 'gone' }));
  await node.advance(5_000);
  expect(made).toEqual([]);
  expect(await warnings(node)).toContain(
    'FailedCreatePodSandBox Failed to create pod sandbox: runtimeclass.node.k8s.io "gone" not found',
  );
  await give(node, 'gone', 'known');
  await node.untilReady('p', 120_000);
  expect(made).toEqual(['known']);
});
