// Compares the exported schema with the introspection of the running gateway, with GraphQL Inspector, because everybody
// who works from an outdated file would be misled.
// Usage: node inspector.mjs http://127.0.0.1:8080 pk_… ../../schema.graphql

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { diff } from '@graphql-inspector/core'
import { buildClientSchema, buildSchema, getIntrospectionQuery, printSchema } from 'graphql'
import { readArguments, send, step } from './gateway.mjs'

const [gateway, publishableKey, file] = readArguments('inspector.mjs', 'URL', 'PUBLISHABLE_KEY', 'SCHEMA_FILE')

const EVERYTHING = getIntrospectionQuery({
  inputValueDeprecation: true,
  oneOf: true,
  schemaDescription: true,
  specifiedByUrl: true
})

const exported = buildSchema(readFileSync(file, 'utf8'))
await step('introspection tells the exported schema', async () => {
  const told = buildClientSchema(await send(gateway, publishableKey, EVERYTHING))
  // Printed and parsed again, because the comparison finds directives (@oneOf) only in a schema built from text.
  await isTheSame(buildSchema(printSchema(told)))
})
await step('so does /schema.graphql', async () => {
  const response = await fetch(new URL('/schema.graphql', gateway))
  assert.equal(response.status, 200)
  await isTheSame(buildSchema(await response.text()))
})
await step('a difference would be noticed', async () => {
  const other = readFileSync(file, 'utf8').replace('isAnonymous: Boolean!', 'isAnonymous: Boolean')
  assert.equal((await diff(exported, buildSchema(other))).length, 1)
})

async function isTheSame(schema) {
  const changes = await diff(exported, schema)
  assert.deepEqual(
    changes.map(({ message }) => message),
    [],
    'make the file anew with: cargo run -q -- schema > schema.graphql'
  )
}
