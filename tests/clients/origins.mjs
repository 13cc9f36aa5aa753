// A page of another origin calls the gateway in a real browser, with the headers that tracing and client awareness add.
// Usage: node origins.mjs http://127.0.0.1:8080 pk_… http://127.0.0.1:9001/ http://127.0.0.1:9002/
// The last two are pages: one of an origin that may call the gateway, one of an origin that may not. CHROMIUM is the
// path of the browser.

import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'
import { readArguments, step } from './gateway.mjs'

const [gateway, publishableKey, allowed, refused] = readArguments('origins.mjs', 'URL', 'KEY', 'ALLOWED', 'REFUSED')

/** The headers that Sentry, W3C Trace Context, Datadog and Apollo Client add to a page's requests. */
const HEADERS = {
  'sentry-trace': '771a43a4192642f0b136d5159a501700-7b8a1d3d2c1e4f50-1',
  baggage: 'sentry-environment=production,sentry-public_key=abc,sentry-trace_id=771a43a4192642f0b136d5159a501700',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'vendor=t61rcWkgMzE',
  'x-datadog-trace-id': '2287587385123456789',
  'x-datadog-parent-id': '1234567890123456789',
  'x-datadog-origin': 'rum',
  'x-datadog-sampling-priority': '1',
  'apollographql-client-name': 'shop',
  'apollographql-client-version': '1.0',
  'apollo-require-preflight': 'true',
  'x-of-the-shops-own': 'yes'
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
})
try {
  const page = await open(allowed)
  await step('a page with such headers gets its answer', async () => {
    const { data, requestId } = await ask(page, '{ viewer { kind } }')
    assert.deepEqual(data, { viewer: { kind: 'PUBLIC' } })
    assert.match(requestId ?? '', /./, 'the page may read X-Request-Id')
  })
  await step('each of them alone, too', async () => {
    for (const [name, value] of Object.entries(HEADERS)) {
      const { data } = await ask(page, '{ __typename }', { [name]: value })
      assert.deepEqual(data, { __typename: 'Query' }, name)
    }
  })
  await step('a mutation, and what is refused, too', async () => {
    const mutation = 'mutation { storefrontUserRegister(input: { isAnonymous: true }) { storefrontUser { id } } }'
    const { data } = await ask(page, mutation)
    assert.match(data.storefrontUserRegister.storefrontUser.id, /^sfu_/)
    const wrong = await ask(page, '{ viewer { kind } }', HEADERS, 'pk_wrong')
    assert.deepEqual([wrong.status, wrong.errors[0].extensions.code], [401, 'UNAUTHENTICATED'])
  })
  await step('a page of an origin that may not call gets nothing', async () => {
    const other = await open(refused)
    await assert.rejects(ask(other, '{ viewer { kind } }'), /Failed to fetch/)
    await assert.rejects(ask(other, '{ viewer { kind } }', {}), /Failed to fetch/)
  })
} finally {
  await browser.close()
}

async function open(address) {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(30_000)
  await page.goto(address)
  return page
}

/** Sends an operation from within the page. */
function ask(page, query, headers = HEADERS, key = publishableKey) {
  const endpoint = new URL('/graphql', gateway).href
  const call = async ({ endpoint, query, headers }) => {
    const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query }) })
    const requestId = response.headers.get('X-Request-Id')
    return { status: response.status, requestId, ...(await response.json()) }
  }
  const all = { ...headers, 'Content-Type': 'application/json', Authorization: `Bearer ${key}` }
  return page.evaluate(call, { endpoint, query, headers: all })
}
