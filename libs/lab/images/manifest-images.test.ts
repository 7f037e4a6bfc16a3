import { expect, test } from 'vitest';
import { imagesIn } from './manifest-images.ts';

test('images of pods, templates and lists, each once', () => {
  const manifest = `
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers: [{ name: first, image: busybox }]
      containers:
      - { name: a, image: "k8s.gcr.io/ingress-nginx/controller:v0.46.0@sha256:52" }
      - { name: b, image: busybox }
---
---
kind: List
items:
- { kind: Pod, spec: { containers: [{ name: c, image: nginx }, { name: d }] } }
- { kind: ConfigMap, data: { image: none } }
`;
  expect(imagesIn(manifest, 'x')).toEqual(['busybox', 'k8s.gcr.io/ingress-nginx/controller:v0.46.0@sha256:52', 'nginx']);
  expect(imagesIn('', 'x')).toEqual([]);
});

test('what is no YAML is said', () => {
  expect(() => imagesIn('a: [', 'deploy.yaml')).toThrow(/^deploy.yaml: /);
});
