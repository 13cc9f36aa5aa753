// Uses the gateway through Apollo Client, as a store's front end does: pages, user errors, errors, uploads.
// Usage: node apollo.mjs http://127.0.0.1:8080 pk_… sk_… sto_…

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client/core'
import { relayStylePagination } from '@apollo/client/utilities'
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs'
import { picture, readArguments, registerGuest, step } from './gateway.mjs'

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

const backend = open(new HttpLink({ uri, headers: { Authorization: `Bearer ${secret}` } }))
const browser = open(new HttpLink({ uri, headers: { Authorization: `Bearer ${publishableKey}` } }))
// Other users of the storefront, if it has any, stay out of the lists below.
const prefix = `apollo-${Date.now()}-`
const names = ['a', 'b', 'c', 'd', 'e'].map(letter => prefix + letter)

await step('mutations take effect', ensureUsers)
await step('user errors are data, not errors', userErrorsAreData)
await step('fetchMore adds page after page to the list', pagesAdd)
await step('an object is found by its global id, and normalized', objectIsNormalized)
await step('a query may be sent with GET', getWorks)
await step('what is forbidden is an error with a code', forbiddenHasACode)
await step('an upload keeps every byte', uploadKeepsEveryByte)

/** A client with a cache as the schema suggests it. */
function open(link) {
  const cache = new InMemoryCache({
    possibleTypes: { Node: ['ApiClient', 'Member', 'Organization', 'StorageItem', 'Storefront', 'StorefrontUser'] },
    typePolicies: {
      Storefront: { fields: { users: relayStylePagination(['filter']) } },
      // Without an id of its own it is part of its user, so that what two queries select of it belongs together.
      PrivateStorage: { merge: true, fields: { items: relayStylePagination(['filter']) } }
    }
  })
  return new ApolloClient({ link, cache })
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

/** What a component that shows the list would show now: what the cache has of it. */
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
  const reader = open(new HttpLink({ uri, headers, useGETForQueries: true }))
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

async function uploadKeepsEveryByte() {
  const token = await registerGuest(gateway, publishableKey)
  const headers = { Authorization: `Bearer ${token}`, 'GraphQL-Require-Preflight': '1' }
  const guest = open(new UploadHttpLink({ uri, headers }))
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
