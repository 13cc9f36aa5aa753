// Compiles operations of a Relay application against the exported schema and runs them against the gateway: Relay
// relies on exact conventions for connections, edges and global ids.
// Usage: node relay.mjs http://127.0.0.1:8080 sk_… sto_… ../../schema.graphql

import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import relay from 'relay-runtime'
import { fromGuide, quietly, readArguments, runProgram, send, step } from './gateway.mjs'

const [gateway, secret, storefrontId, schema] = readArguments('relay.mjs', 'URL', 'TOKEN', 'STOREFRONT_ID', 'SCHEMA_FILE')

await step('relay-compiler takes the schema and the operations', compile)

const artifact = createRequire(new URL('relay/', import.meta.url))
const [USERS, USERS_FRAGMENT, USERS_PAGE, ENSURE, ITEM_AGAIN, OWNER, REQUESTER] = [
  'StorefrontUsersQuery',
  'StorefrontUsers_storefront',
  'StorefrontUsersPageQuery',
  'StorefrontUsersEnsureMutation',
  'ItemAgainQuery',
  'ErasuresOwnerQuery',
  'ErasuresRequesterQuery'
].map(name => artifact(`./generated/${name}.graphql.js`))

const network = relay.Network.create(async ({ text }, variables) => ({
  data: await send(gateway, secret, text, variables)
}))
const environment = (await import(fromGuide('relay-environment.mjs'))).environment(network)
// Excludes other users of the storefront, if there are any, from the lists below.
const prefix = `relay-${Date.now()}-`
const names = ['a', 'b', 'c'].map(letter => prefix + letter)

await step('a mutation takes effect', ensureUsers)
const storefront = await step('the first page is a connection', firstPage)
await step('the next page, through node(id), joins it', nextPage)
await step('an object that does not exist is null', unknownObject)
await step('an actor is not taken for the object whose id it names', () => quietly(actorIsNoMember))

function compile() {
  copyFileSync(schema, 'relay/schema.graphql')
  mkdirSync('relay/generated', { recursive: true })
  runProgram('relay-compiler/cli.js', ['relay.config.json'], { cwd: 'relay' })
}

async function ensureUsers() {
  for (const storefrontUserId of names) {
    const input = { storefrontId, storefrontUserId, isAnonymous: false }
    const { storefrontUserEnsure: payload } = await commit(ENSURE, { input })
    assert.deepEqual(payload.userErrors, [])
    assert.equal(payload.storefrontUser.storefrontUserId, storefrontUserId)
  }
}

async function firstPage() {
  const { storefront } = await read(USERS, { by: { id: storefrontId }, filter: ours(), count: 2 })
  assert.deepEqual(shown(storefront), { names: names.slice(0, 2), totalCount: 3, hasNextPage: true })
  return storefront
}

async function nextPage() {
  const cursor = users(storefront).pageInfo.endCursor
  await read(USERS_PAGE, { id: storefrontId, filter: ours(), count: 2, cursor })
  assert.deepEqual(shown(storefront), { names, totalCount: 3, hasNextPage: false })
}

async function unknownObject() {
  assert.deepEqual(await read(ITEM_AGAIN, { id: 'itm_01ARZ3NDEKTSV4RRFFQ69G5FAV' }), { node: null })
}

/** The member who owns the token requests an erasure: the same id is then that of a member and of an actor. */
async function actorIsNoMember() {
  const { viewer } = await read(OWNER, {})
  const input = { storefrontId, email: `${prefix}@example.com`, acceptedTerms: true, firstName: 'Ada', lastName: 'Lovelace' }
  const register = `mutation ($input: CustomerRegisterInput!) {
    customerRegister(input: $input) { customer { id } userErrors { code } }
  }`
  const { customerRegister } = await send(gateway, secret, register, { input })
  const { id } = customerRegister.customer
  const request = `mutation ($input: CustomerAnonymizationRequestInput!) {
    customerAnonymizationRequest(input: $input) { userErrors { code } }
  }`
  await send(gateway, secret, request, { input: { customerId: id } })
  const { customer } = await read(REQUESTER, { by: { id } })
  const { requester } = customer.anonymizationInfo
  assert.deepEqual([requester.kind, requester.id], ['MEMBER', viewer.owner.id])
  const member = environment.getStore().getSource().get(viewer.owner.id)
  assert.equal(member.__typename, 'Member')
  assert.equal(member.email, viewer.owner.email, 'nothing of it was replaced')
}

function ours() {
  return { storefrontUserId: { startsWith: prefix } }
}

/** Sends a query; its data is retained in the store, as while a page of an application shows it. */
function read(query, variables) {
  environment.retain(relay.createOperationDescriptor(query, variables))
  return relay.fetchQuery(environment, query, variables).toPromise()
}

function commit(mutation, variables) {
  return new Promise((resolve, reject) => {
    relay.commitMutation(environment, { mutation, variables, onCompleted: resolve, onError: reject })
  })
}

/** Returns the list of users from the store, as a component would get it. */
function users(storefront) {
  return environment.lookup(relay.getSingularSelector(USERS_FRAGMENT, storefront)).data.users
}

function shown(storefront) {
  const { edges, pageInfo, totalCount } = users(storefront)
  return { names: edges.map(({ node }) => node.storefrontUserId), totalCount, hasNextPage: pageInfo.hasNextPage }
}
