// Opens the gateway's GraphiQL in a real browser, as a developer would, and checks that all of it works without
// requests to other origins.
// Usage: node graphiql.mjs http://127.0.0.1:8080 [directory for screenshots]
// The gateway must have example tabs that work (serve --demo). CHROMIUM is the path of the browser.

import assert from 'node:assert/strict'
import path from 'node:path'
import { buildClientSchema, getIntrospectionQuery, parse, validate } from 'graphql'
import { chromium } from 'playwright-core'

const [address, screenshots] = process.argv.slice(2)
if (!address) {
  console.error('Name the gateway: node graphiql.mjs http://127.0.0.1:8080 [folder for screenshots]')
  process.exit(2)
}
const gateway = new URL(address)

const TABS = ['WhoAmI', 'RegisterAnonymousUser', 'MyStorage', 'MergeAtPayment', 'SignIn', 'MyAccount']
const BROWSER_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: BROWSER_FLAGS
})
/** The number of runs that were refused and retried. */
let refusals = 0

try {
  const visit = await openVisit(browser)
  await step('the page is served with a strict policy', () => pageIsServed(visit))
  await step('the editors and the example tabs are there', () => editorsAreThere(visit))
  await step('the header editor holds the public key', () => headersHoldTheKey(visit))
  await step('the first tab answers', () => firstTabAnswers(visit))
  await step('the documentation shows the schema', () => documentationShows(visit))
  await step('the query explorer shows the schema', () => explorerShows(visit))
  await step('every tab is valid against the schema', () => tabsAreValid(visit))
  await step('after a reload the tabs still work', () => reloadKeepsTabs(visit))
  await step('dark follows the system', () => darkFollowsTheSystem(visit, browser))
  await step('no request left the gateway', () => nothingLeft(visit))
  // The browser logs one error for each refusal that runsWhoAmI retried; nothing else may be logged.
  const isRefusal = complaint => complaint.includes('the server responded with a status of 400')
  await step('the console is clean', () => {
    assert.deepEqual(visit.complaints.filter(line => !isRefusal(line)), [])
    assert.ok(visit.complaints.filter(isRefusal).length <= refusals)
  })
} finally {
  await browser.close()
}

/** Opens a page that records its requests and console errors; requests to other origins are recorded and aborted. */
async function openVisit(browser, colorScheme = 'light') {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1440, height: 900 } })
  const visit = { context, requests: [], complaints: [] }
  context.on('request', request => visit.requests.push(request.url()))
  await context.route(url => isElsewhere(url), route => route.abort())
  // A violation of the Content-Security-Policy, by the page or its workers, is also logged as an error.
  context.on('console', message => {
    if (['error', 'warning'].includes(message.type())) visit.complaints.push(`${message.type()}: ${message.text()}`)
  })
  context.on('weberror', failure => visit.complaints.push(`uncaught: ${failure.error().message}`))
  visit.page = await context.newPage()
  visit.page.setDefaultTimeout(30_000)
  return visit
}

async function step(name, check) {
  try {
    await check()
    console.log(`ok    ${name}`)
  } catch (error) {
    console.log(`FAIL  ${name}`)
    throw error
  }
}

async function pageIsServed({ page }) {
  const response = await page.goto(gateway.href)
  assert.equal(response.status(), 200)
  const headers = response.headers()
  const policy = headers['content-security-policy'] ?? ''
  assert.match(policy, /script-src 'self';/, 'scripts come from the gateway only')
  assert.match(policy, /frame-ancestors 'none'/)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['referrer-policy'], 'no-referrer')
  assert.equal(await page.title(), 'Storefront Gateway')
}

async function editorsAreThere({ page }) {
  await editor(page, 'Operation Editor').waitFor()
  await contains(editor(page, 'Operation Editor'), 'query WhoAmI')
  assert.deepEqual(await shownTabs(page), TABS)
}

async function headersHoldTheKey(visit) {
  const { page } = visit
  await page.getByRole('button', { name: 'Headers', exact: true }).waitFor()
  await contains(headerEditor(page), '"Authorization"')
  await contains(headerEditor(page), 'Bearer pk_')
}

async function firstTabAnswers(visit) {
  await runsWhoAmI(visit.page)
  await screenshot(visit, 'light')
}

async function documentationShows({ page }) {
  await page.getByRole('button', { name: /Documentation Explorer/ }).click()
  const pane = page.locator('.graphiql-doc-explorer')
  await pane.getByText('Mutation', { exact: true }).waitFor()
  await pane.getByText('Query', { exact: true }).click()
  await pane.getByText('viewer', { exact: true }).waitFor()
}

async function explorerShows(visit) {
  const { page } = visit
  await page.getByRole('button', { name: /GraphiQL Explorer/ }).click()
  await page.locator('.graphiql-explorer-root').getByText('viewer', { exact: true }).waitFor()
  await screenshot(visit, 'explorer')
  await page.getByRole('button', { name: /GraphiQL Explorer/ }).click()
}

/** Validates the tabs against the gateway's schema instead of running them, which would change data. */
async function tabsAreValid({ page }) {
  const { tabs, publicKey } = await (await fetch(new URL('/graphiql/config.json', gateway))).json()
  const schema = buildClientSchema(await introspect(publicKey))
  for (const [index, tab] of tabs.entries()) {
    assert.deepEqual(validate(schema, parse(tab.query)), [], TABS[index])
    await page.getByRole('tab', { name: TABS[index] }).click()
    await contains(editor(page, 'Operation Editor'), ` ${TABS[index]}`)
    await contains(headerEditor(page), 'Bearer')
  }
}

async function introspect(publicKey) {
  const response = await fetch(new URL('/graphql', gateway), {
    method: 'POST',
    headers: { Authorization: `Bearer ${publicKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: getIntrospectionQuery({ inputValueDeprecation: true }) })
  })
  const { data } = await response.json()
  return data
}

async function reloadKeepsTabs({ page }) {
  // Reloads at once, before GraphiQL may have stored everything: no tab may be lost or duplicated.
  await page.getByRole('tab', { name: TABS[0] }).click()
  await page.reload()
  await contains(headerEditor(page), 'Bearer')
  assert.deepEqual(await shownTabs(page), TABS)
  await page.getByRole('tab', { name: TABS[3] }).click()
  await contains(headerEditor(page), 'Bearer sk_')
  await page.getByRole('tab', { name: TABS[0] }).click()
  await contains(editor(page, 'Operation Editor'), 'query WhoAmI')
  await contains(headerEditor(page), 'Bearer pk_')
  await runsWhoAmI(page)
}

/** Opens a first visit with a system that prefers dark colours. */
async function darkFollowsTheSystem(visit, browser) {
  const background = page => page.locator('.graphiql-container').evaluate(node => getComputedStyle(node).backgroundColor)
  const light = await background(visit.page)
  const dark = await openVisit(browser, 'dark')
  await dark.page.goto(gateway.href)
  await contains(editor(dark.page, 'Operation Editor'), 'query WhoAmI')
  assert.notEqual(await background(dark.page), light)
  await runsWhoAmI(dark.page)
  await screenshot(dark, 'dark')
  visit.requests.push(...dark.requests)
  visit.complaints.push(...dark.complaints)
}

function nothingLeft({ requests }) {
  assert.ok(requests.length > 5, 'the record of requests works')
  assert.deepEqual(
    requests.filter(url => isElsewhere(new URL(url))),
    []
  )
}

/** Runs the open tab and checks the response, on the network and in the response pane. */
async function runsWhoAmI(page) {
  let response
  // GraphiQL takes over the content of its editors a moment after a tab is opened. On a busy machine an early click may
  // still send the operation name or the headers of the previous tab, which is refused.
  for (let tries = 0; tries < 10 && response?.status() !== 200; tries += 1) {
    const answered = page.waitForResponse(response => response.request().postData()?.includes('query WhoAmI') ?? false)
    await page.getByRole('button', { name: /Execute query/ }).click()
    response = await answered
    if (response.status() === 400) refusals += 1
  }
  assert.equal(response.status(), 200)
  assert.match(response.request().headers().authorization ?? '', /^Bearer pk_/)
  const { data, errors } = await response.json()
  assert.equal(errors, undefined)
  assert.equal(data.viewer.kind, 'PUBLIC')
  await contains(page.locator('.result-window'), '"PUBLIC"')
}

function editor(page, name) {
  return page.getByRole('region', { name }).first()
}

function headerEditor(page) {
  return editor(page, 'Headers')
}

async function shownTabs(page) {
  await page.getByRole('tab').first().waitFor()
  const names = await page.getByRole('tab').allInnerTexts()
  return names.map(name => name.trim())
}

/**
 * Waits until an editor shows the text. Monaco renders spaces as no-break spaces, and adds some where it wraps a line.
 */
async function contains(locator, text) {
  const drawn = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s+'))
  await locator.filter({ hasText: drawn }).waitFor()
}

/** Whether the URL is on another origin; data and blob URLs stay inside the browser. */
function isElsewhere(url) {
  return !['data:', 'blob:'].includes(url.protocol) && url.origin !== gateway.origin
}

async function screenshot({ page }, name) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`) })
}
