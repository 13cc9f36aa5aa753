// Sends requests that are refused before their body is read, with Node's own fetch: each must get the response, and
// none a broken connection.
// Usage: node refusals.mjs http://127.0.0.1:8080 pk_…

import assert from 'node:assert/strict'
import { readArguments, step } from './gateway.mjs'

const [gateway, publishableKey] = readArguments('refusals.mjs', 'URL', 'PUBLISHABLE_KEY')
const uri = new URL('/graphql', gateway)
const ROUNDS = 4
const AT_ONCE = 5
const MEBIBYTE = 1024 * 1024

await step('uploads with a bad token see 401', () => all(401, upload, 'sk_wrong'))
await step('uploads with a token that has no access see the refusal', () => all(200, upload, publishableKey, 'FORBIDDEN'))
await step('bodies that are too large see 413', () => all(413, json, publishableKey))
await step('bodies of another type see 415', () => all(415, text, publishableKey))
await step('multipart bodies that nothing can be read of see 400', () => all(400, broken, publishableKey))

/** Sends a request twenty times, a few at once, and then three times in sequence on connections that are kept alive. */
async function all(status, request, credential, code) {
  const sent = []
  for (let round = 0; round < ROUNDS; round += 1) {
    sent.push(...(await Promise.allSettled(Array.from({ length: AT_ONCE }, () => send(request, credential)))))
  }
  for (let time = 0; time < 3; time += 1) {
    sent.push(...(await Promise.allSettled([send(request, credential)])))
  }
  const broken = sent.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.cause?.code ?? String(reason))
  assert.deepEqual(broken, [], `${broken.length} of ${sent.length} saw no answer`)
  for (const { value } of sent) {
    assert.equal(value.status, status)
    const [error] = value.body.errors
    assert.ok(error.message.length > 0)
    if (code) assert.equal(error.extensions.code, code)
  }
}

async function send(request, credential) {
  const { headers, body } = request()
  const response = await fetch(uri, {
    method: 'POST',
    headers: { Authorization: `Bearer ${credential}`, ...headers },
    body
  })
  return { status: response.status, body: await response.json() }
}

/** Returns an upload of two mebibytes as in the GraphQL multipart request specification. */
function upload() {
  const form = new FormData()
  const query = 'mutation($file: Upload!) { storageItemUpload(input: { file: $file }) { userErrors { code } } }'
  form.append('operations', JSON.stringify({ query, variables: { file: null } }))
  form.append('map', JSON.stringify({ 0: ['variables.file'] }))
  form.append('0', new Blob([new Uint8Array(2 * MEBIBYTE)]), 'large.png')
  return { headers: { 'GraphQL-Require-Preflight': '1' }, body: form }
}

function json() {
  const query = `{ __typename } #${'x'.repeat(3 * MEBIBYTE)}`
  return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query }) }
}

function text() {
  return { headers: { 'Content-Type': 'text/plain' }, body: 'x'.repeat(3 * MEBIBYTE) }
}

/** Returns an upload without the header that an HTML form cannot send. */
function broken() {
  const { body } = upload()
  return { headers: {}, body }
}
