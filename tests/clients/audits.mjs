// Runs every GraphQL over HTTP audit of the npm package graphql-http, MUST, SHOULD and MAY, against a running gateway.
// Usage: node audits.mjs http://127.0.0.1:8080 pk_…

import assert from 'node:assert/strict'
import { serverAudits } from 'graphql-http'
import { readArguments, step } from './gateway.mjs'

const [gateway, publishableKey] = readArguments('audits.mjs', 'URL', 'PUBLISHABLE_KEY')

const audits = serverAudits({ url: new URL('/graphql', gateway).href, fetchFn: fetchWithKey })
await step(`all ${audits.length} audits pass`, async () => {
  assert.ok(audits.length > 50, 'the audits were found')
  const failed = []
  for (const { id, name, fn } of audits) {
    const { status, reason } = await fn()
    if (status !== 'ok') failed.push(`${status} ${id} ${name}: ${reason}`)
  }
  assert.deepEqual(failed, [])
})

/** Adds the credential, which the audits do not support. */
function fetchWithKey(input, init = {}) {
  const headers = new Headers(init.headers)
  headers.set('Authorization', `Bearer ${publishableKey}`)
  return fetch(input, { ...init, headers })
}
