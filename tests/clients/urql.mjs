// Uses the gateway through urql with its normalized cache, Graphcache, as the frontend guide sets it up.
// Usage: node urql.mjs http://127.0.0.1:8080 pk_… sk_… sto_…

import assert from 'node:assert/strict'
import { Client, fetchExchange, gql } from '@urql/core'
import { buildClientSchema, getIntrospectionQuery } from 'graphql'
import { connections, parts } from './caches.mjs'
import { fromGuide, picture, quietly, readArguments, registerGuest, send, step, upload } from './gateway.mjs'

const [gateway, publishableKey, secret, storefrontId] = readArguments(
  'urql.mjs',
  'URL',
  'PUBLISHABLE_KEY',
  'SECRET',
  'STOREFRONT_ID'
)
const USERS = gql`
  query Users($by: StorefrontBy!, $filter: StorefrontUserFilter!, $after: String) {
    storefront(by: $by) {
      id
      users(filter: $filter, first: 2, after: $after) {
        edges {
          node {
            id
            storefrontUserId
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`
const WHO = gql`
  query Who {
    viewer {
      kind
      storefrontUser {
        id
        privateStorage {
          itemCount
        }
      }
    }
  }
`
const ROOM = gql`
  query Room {
    viewer {
      scopes
      storefrontUser {
        id
        privateStorage {
          quotaBytes
          items(first: 1) {
            edges {
              node {
                id
                name
              }
            }
            pageInfo {
              hasNextPage
              endCursor
            }
          }
        }
      }
    }
  }
`
const RENAME = gql`
  mutation Rename($input: StorageItemUpdateInput!) {
    storageItemUpdate(input: $input) {
      storageItem {
        id
        name
      }
      userErrors {
        code
      }
    }
  }
`

const introspection = await send(gateway, publishableKey, getIntrospectionQuery())
const schema = buildClientSchema(introspection)
const { cache } = await import(fromGuide('urql-cache.mjs'))
const options = await configuration()

await step('every type without an id is named as such', () => {
  assert.deepEqual(Object.keys(options.keys).sort(), parts(schema).sort())
})
await step('every connection has its pages', () => {
  for (const { type, field } of connections(schema))
    assert.equal(typeof options.resolvers[type]?.[field], 'function', `${type}.${field}`)
})

const backend = open(secret)
// Excludes other users of the storefront, if there are any, from the lists below.
const prefix = `urql-${Date.now()}-`
const names = ['a', 'b', 'c', 'd', 'e'].map(letter => prefix + letter)

await step('pages add up', () => quietly(pagesAddUp))
await step('parts of an object stay together, without a word', () => quietly(partsStayTogether))
await step('what a mutation changes is changed in the cache', () => quietly(changesAreSeen))

/** Returns the guide's options of Graphcache. */
async function configuration() {
  const file = fromGuide('urql-cache.mjs', {
    "import { cacheExchange } from '@urql/exchange-graphcache'": 'const cacheExchange = options => options'
  })
  const { cache: options } = await import(file)
  return options(introspection)
}

function open(credential) {
  return new Client({
    url: new URL('/graphql', gateway).href,
    exchanges: [cache(introspection), fetchExchange],
    preferGetMethod: false,
    fetchOptions: { headers: { Authorization: `Bearer ${credential}` } }
  })
}

async function ask(client, query, variables, requestPolicy = 'network-only') {
  const { data, error } = await client.query(query, variables, { requestPolicy }).toPromise()
  if (error) throw error
  return data
}

async function pagesAddUp() {
  for (const storefrontUserId of names) {
    const input = { storefrontId, storefrontUserId, isAnonymous: false }
    const mutation = 'mutation ($input: StorefrontUserEnsureInput!) { storefrontUserEnsure(input: $input) { created } }'
    await send(gateway, secret, mutation, { input })
  }
  const variables = { by: { id: storefrontId }, filter: { storefrontUserId: { startsWith: prefix } } }
  const seen = []
  let page = (await ask(backend, USERS, variables)).storefront.users
  seen.push(shown(page))
  while (page.pageInfo.hasNextPage) {
    page = (await ask(backend, USERS, { ...variables, after: page.pageInfo.endCursor })).storefront.users
    seen.push(shown(page))
  }
  assert.deepEqual(seen, [names.slice(0, 2), names.slice(0, 4), names])
  // Another filter selects another list.
  const other = { ...variables, filter: { storefrontUserId: { startsWith: names[4] } } }
  assert.deepEqual(shown((await ask(backend, USERS, other)).storefront.users), [names[4]])
}

function shown({ edges }) {
  return edges.map(({ node }) => node.storefrontUserId)
}

async function partsStayTogether() {
  const token = await registerGuest(gateway, publishableKey)
  await upload(gateway, token, picture('cat.png'))
  const guest = open(token)
  await ask(guest, WHO, {})
  await ask(guest, ROOM, {})
  // Both are read from the cache only.
  const who = await ask(guest, WHO, {}, 'cache-only')
  assert.deepEqual([who.viewer.kind, who.viewer.storefrontUser.privateStorage.itemCount], ['STOREFRONT_USER', 1])
  const { privateStorage } = (await ask(guest, ROOM, {}, 'cache-only')).viewer.storefrontUser
  assert.deepEqual(privateStorage.items.edges.map(({ node }) => node.name), ['cat.png'])
}

async function changesAreSeen() {
  const token = await registerGuest(gateway, publishableKey)
  const { id } = await upload(gateway, token, picture('cat.png'))
  const guest = open(token)
  await ask(guest, ROOM, {})
  const { data, error } = await guest.mutation(RENAME, { input: { id, name: 'lion.png' } }).toPromise()
  assert.deepEqual([error, data.storageItemUpdate.userErrors], [undefined, []])
  const { privateStorage } = (await ask(guest, ROOM, {}, 'cache-only')).viewer.storefrontUser
  assert.deepEqual(privateStorage.items.edges.map(({ node }) => node.name), ['lion.png'])
}
