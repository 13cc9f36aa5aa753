// Uses the gateway through Apollo Client with the frontend guide's cache, as a store's front end does: pages, parts of
// objects, user errors, errors, partial answers, uploads.
// Usage: node apollo.mjs http://127.0.0.1:8080 pk_… sk_… sto_…

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink } from '@apollo/client/core'
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs'
import { buildClientSchema, getIntrospectionQuery } from 'graphql'
import { connections, lists, nodes, parts } from './caches.mjs'
import { fromGuide, picture, quietly, readArguments, registerGuest, send, step, upload } from './gateway.mjs'

const [gateway, publishableKey, secret, storefrontId] = readArguments(
  'apollo.mjs',
  'URL',
  'PUBLISHABLE_KEY',
  'SECRET',
  'STOREFRONT_ID'
)
const uri = new URL('/graphql', gateway).href

const ENSURE = gql`
  mutation Ensure($input: StorefrontUserEnsureInput!) {
    storefrontUserEnsure(input: $input) {
      created
      storefrontUser {
        id
        storefrontUserId
        isAnonymous
      }
      userErrors {
        code
        field
        message
        legacyCode
      }
    }
  }
`
const USERS = gql`
  query Users($by: StorefrontBy!, $filter: StorefrontUserFilter!, $first: Int!, $after: String) {
    storefront(by: $by) {
      id
      users(filter: $filter, first: $first, after: $after) {
        totalCount
        edges {
          cursor
          node {
            id
            storefrontUserId
          }
        }
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
      }
    }
  }
`
const OBJECT = gql`
  query Object($id: ID!) {
    node(id: $id) {
      id
      ... on StorefrontUser {
        storefrontUserId
      }
    }
  }
`
const UPLOAD = gql`
  mutation Upload($input: StorageItemUploadInput!) {
    storageItemUpload(input: $input) {
      storageItem {
        id
        name
        kind
        contentType
        byteSize
        sha256
        url
      }
      userErrors {
        code
        message
      }
    }
  }
`

const CACHE = fromGuide('apollo-cache.mjs')
let clients = 0

const backend = await open(new HttpLink({ uri, headers: { Authorization: `Bearer ${secret}` } }))
const browser = await open(new HttpLink({ uri, headers: { Authorization: `Bearer ${publishableKey}` } }))
// Excludes other users of the storefront, if there are any, from the lists below.
const prefix = `apollo-${Date.now()}-`
const names = ['a', 'b', 'c', 'd', 'e'].map(letter => prefix + letter)

await step("the guide's cache knows every type without an id and every list", cacheIsComplete)
await step('mutations take effect', ensureUsers)
await step('user errors are data, not errors', userErrorsAreData)
await step('fetchMore adds page after page to the list', () => quietly(pagesAdd))
await step('parts of an object stay together, without a word', () => quietly(partsStayTogether))
await step('an object is found by its global id, and normalized', objectIsNormalized)
await step('a query may be sent with GET', getWorks)
await step('what is forbidden is an error with a code', forbiddenHasACode)
await step('a forbidden mutation leaves the one beside it', partialAnswer)
await step('an upload keeps every byte', uploadKeepsEveryByte)

/** Opens a client with its own cache, configured as in the guide. */
async function open(link) {
  clients += 1
  const { cache } = await import(`${CACHE}?${clients}`)
  return new ApolloClient({ link, cache })
}

/** Returns the guide's options of the cache. */
async function configuration() {
  const file = fromGuide('apollo-cache.mjs', {
    "import { InMemoryCache } from '@apollo/client/core'": 'class InMemoryCache { constructor(options) { this.options = options } }'
  })
  return (await import(file)).cache.options
}

async function cacheIsComplete() {
  const schema = buildClientSchema(await send(gateway, publishableKey, getIntrospectionQuery()))
  const { possibleTypes, typePolicies } = await configuration()
  assert.deepEqual([...possibleTypes.Node].sort(), nodes(schema))
  // Tokens and user errors occur only in payloads, which no query reaches.
  const inPayloads = ['AccessToken', 'CustomerToken', 'UserError']
  for (const type of parts(schema).filter(type => !inPayloads.includes(type))) {
    const { merge, keyFields } = typePolicies[type] ?? {}
    assert.ok(merge === true || keyFields !== undefined, `${type} has no id, and the guide does not say what to do`)
  }
  for (const { type, field, arguments: names } of connections(schema)) {
    const policy = typePolicies[type]?.fields?.[field]
    assert.equal(typeof policy?.merge, 'function', `${type}.${field} has pages`)
    assert.deepEqual(policy.keyArgs || [], names, `${type}.${field}: what makes another list of it`)
  }
  for (const { type, field } of lists(schema))
    assert.equal(typePolicies[type]?.fields?.[field]?.merge, false, `${type}.${field} is read whole`)
}

async function ensureUser(storefrontUserId, isAnonymous) {
  const input = { storefrontId, storefrontUserId, isAnonymous }
  const { data } = await backend.mutate({ mutation: ENSURE, variables: { input } })
  return data.storefrontUserEnsure
}

async function ensureUsers() {
  for (const name of names) {
    const { created, storefrontUser, userErrors } = await ensureUser(name, false)
    assert.deepEqual(userErrors, [])
    assert.deepEqual([created, storefrontUser.storefrontUserId], [true, name])
  }
  assert.equal((await ensureUser(names[0], false)).created, false)
}

async function userErrorsAreData() {
  const { storefrontUser, userErrors } = await ensureUser(names[0], true)
  assert.equal(storefrontUser, null)
  assert.deepEqual(
    userErrors.map(({ code, legacyCode }) => ({ code, legacyCode })),
    [{ code: 'STOREFRONT_USER_ALREADY_EXISTS', legacyCode: 409 }]
  )
}

async function pagesAdd() {
  const variables = { by: { id: storefrontId }, filter: { storefrontUserId: { startsWith: prefix } }, first: 2 }
  const first = await backend.query({ query: USERS, variables })
  const list = backend.watchQuery({ query: USERS, variables })
  const seen = [shown(variables)]
  let page = first.data.storefront.users
  while (page.pageInfo.hasNextPage) {
    const more = await list.fetchMore({ variables: { after: page.pageInfo.endCursor } })
    page = more.data.storefront.users
    seen.push(shown(variables))
  }
  assert.deepEqual(seen, [names.slice(0, 2), names.slice(0, 4), names])
  assert.equal(page.totalCount, names.length)
}

/** Returns the list that a component would show now, from the cache. */
function shown(variables) {
  const { storefront } = backend.readQuery({ query: USERS, variables })
  return storefront.users.edges.map(({ node }) => node.storefrontUserId)
}

async function objectIsNormalized() {
  const { storefrontUser } = await ensureUser(names[1], false)
  const { data } = await backend.query({ query: OBJECT, variables: { id: storefrontUser.id } })
  assert.equal(data.node.storefrontUserId, names[1])
  const cached = backend.cache.extract()[`StorefrontUser:${storefrontUser.id}`]
  assert.equal(cached.isAnonymous, false, 'the mutation and the query write the same object')
}

async function getWorks() {
  const headers = { Authorization: `Bearer ${publishableKey}` }
  const reader = await open(new HttpLink({ uri, headers, useGETForQueries: true }))
  const { data } = await reader.query({ query: gql`query Kind { viewer { kind } }` })
  assert.equal(data.viewer.kind, 'PUBLIC')
}

async function forbiddenHasACode() {
  const variables = { by: { id: storefrontId }, filter: {}, first: 1 }
  await assert.rejects(browser.query({ query: USERS, variables }), failure => {
    assert.ok(CombinedGraphQLErrors.is(failure), `not what the gateway said: ${failure}`)
    assert.deepEqual(
      failure.errors.map(({ extensions }) => extensions.code),
      ['FORBIDDEN']
    )
    return true
  })
}

/**
 * Two queries select different fields of the same objects without an id, and of the viewer; afterwards the cache has
 * both.
 */
async function partsStayTogether() {
  const token = await registerGuest(gateway, publishableKey)
  await upload(gateway, token, picture('cat.png'))
  const guest = await open(new HttpLink({ uri, headers: { Authorization: `Bearer ${token}` } }))
  const who = gql`query Who { viewer { kind storefrontUser { id privateStorage { itemCount } } } }`
  const room = gql`
    query Room {
      viewer {
        scopes
        storefrontUser {
          id
          privateStorage {
            quotaBytes
            items(first: 1) { edges { cursor node { id name } } pageInfo { hasNextPage endCursor } }
          }
        }
      }
    }
  `
  for (const query of [who, room]) await guest.query({ query })
  for (const query of [who, room]) assert.ok(guest.readQuery({ query }), 'the cache has all of it')
  assert.equal(guest.readQuery({ query: who }).viewer.storefrontUser.privateStorage.itemCount, 1)
}

async function partialAnswer() {
  const mutation = gql`
    mutation GoodAndForbidden($guest: StorefrontUserRegisterInput!, $regular: StorefrontUserEnsureInput!) {
      storefrontUserRegister(input: $guest) { storefrontUser { id } userErrors { code } }
      storefrontUserEnsure(input: $regular) { created userErrors { code } }
    }
  `
  const variables = { guest: { isAnonymous: true }, regular: { storefrontUserId: 'x', isAnonymous: false } }
  const { data, error } = await browser.mutate({ mutation, variables, errorPolicy: 'all' })
  assert.match(data.storefrontUserRegister.storefrontUser.id, /^sfu_/)
  assert.equal(data.storefrontUserEnsure, null)
  assert.deepEqual(
    error.errors.map(({ path, extensions }) => [path, extensions.code]),
    [[['storefrontUserEnsure'], 'FORBIDDEN']]
  )
}

async function uploadKeepsEveryByte() {
  const token = await registerGuest(gateway, publishableKey)
  const headers = { Authorization: `Bearer ${token}`, 'GraphQL-Require-Preflight': '1' }
  const guest = await open(new UploadHttpLink({ uri, headers }))
  const file = picture('cat.png')
  const bytes = Buffer.from(await file.arrayBuffer())

  const { data } = await guest.mutate({ mutation: UPLOAD, variables: { input: { file } } })
  const { storageItem, userErrors } = data.storageItemUpload
  assert.deepEqual(userErrors, [])
  const { url, id, __typename, ...facts } = storageItem
  assert.deepEqual(facts, {
    name: 'cat.png',
    kind: 'IMAGE',
    contentType: 'image/png',
    byteSize: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex')
  })
  const content = await fetch(url)
  assert.equal(content.status, 200)
  assert.deepEqual(Buffer.from(await content.arrayBuffer()), bytes)
}
