// Apollo Client with its link for automatic persisted queries, which the gateway does not support: the link then sends
// the text.
// Usage: node persisted.mjs http://127.0.0.1:8080 pk_…

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client/core'
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { readArguments, step } from './gateway.mjs'

const [gateway, publishableKey] = readArguments('persisted.mjs', 'URL', 'PUBLISHABLE_KEY')

const QUERIES = [gql`query Kind { viewer { kind } }`, gql`query Shop { viewer { storefront { id name } } }`]
const MUTATION = gql`
  mutation Register($input: StorefrontUserRegisterInput!) {
    storefrontUserRegister(input: $input) { storefrontUser { id } userErrors { code } }
  }
`

for (const [how, useGETForHashedQueries] of [['POST', false], ['GET', true]]) {
  await step(`a query that is probed by ${how} is sent as a text, and the next one at once`, async () => {
    const { client, sent } = open({ useGETForHashedQueries })
    for (const query of QUERIES) assert.ok((await client.query({ query })).data.viewer)
    assert.deepEqual(sent, [`probe by ${how}`, 'text by POST', 'text by POST'])
  })
  await step(`so is a mutation, where queries are probed by ${how}`, async () => {
    const { client, sent } = open({ useGETForHashedQueries })
    const { data } = await client.mutate({ mutation: MUTATION, variables: { input: { isAnonymous: true } } })
    assert.match(data.storefrontUserRegister.storefrontUser.id, /^sfu_/)
    assert.deepEqual(sent, ['probe by POST', 'text by POST'])
  })
}

/** Opens a client and records what it sends. */
function open(options) {
  const sent = []
  const watched = (address, init) => {
    const { query, extensions } = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(address).searchParams)
    const hash = extensions?.persistedQuery
    const what = query === undefined ? 'probe' : hash === undefined ? 'text' : 'text with its hash'
    sent.push(`${what} by ${init.method}`)
    return fetch(address, init)
  }
  const sha256 = text => createHash('sha256').update(text).digest('hex')
  const http = new HttpLink({
    uri: new URL('/graphql', gateway).href,
    fetch: watched,
    headers: { Authorization: `Bearer ${publishableKey}` }
  })
  const link = createPersistedQueryLink({ sha256, ...options }).concat(http)
  return { client: new ApolloClient({ link, cache: new InMemoryCache() }), sent }
}
