import { defineConfig } from 'vite'

// The gateway serves index.html at / and everything else under /graphiql/. Names under assets/ carry a hash
// of their content, so that they may be cached for good; nothing here may point to another host.
export default defineConfig({
  base: '/graphiql/',
  build: {
    assetsDir: 'assets',
    // The notices of everything in the bundle go with it: /graphiql/licenses.md.
    license: { fileName: 'licenses.md' },
    // Monaco is one large editor, loaded from the same machine: a warning about its size helps nobody.
    chunkSizeWarningLimit: 8_000,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { checks: { moduleLevelDirective: false } },
    target: 'es2022'
  },
  worker: { format: 'es' }
})
