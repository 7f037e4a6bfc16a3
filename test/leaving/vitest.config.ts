import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/leaving/*.fixture.ts'], globalSetup: ['test/global-setup.ts'], root: '.' },
});
