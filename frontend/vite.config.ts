import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// base './' lets one build be served from any path: the local runtime, a bucket, a sub-directory.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { target: 'es2022', chunkSizeWarningLimit: 900 },
  test: { include: ['src/**/*.test.ts'], environment: 'node', testTimeout: 10_000 },
});
