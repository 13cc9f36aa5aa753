// Generates TypeScript from the running gateway with graphql-codegen and the frontend guide's configuration, as a
// store's front end does, type-checks it strictly, and runs it. Usage: node codegen.mjs http://127.0.0.1:8080 pk_…

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { buildClientSchema, getIntrospectionQuery, parse, TypeInfo, validate, visit, visitWithTypeInfo } from 'graphql'
import { fromGuide, readArguments, runProgram, send, step } from './gateway.mjs'

const [gateway, publishableKey] = readArguments('codegen.mjs', 'URL', 'PUBLISHABLE_KEY')
const endpoint = new URL('/graphql', gateway).href

await step('graphql-codegen reads the gateway and generates', generate)
await step('the sample operations use every query and every mutation', everyRootFieldIsUsed)
await step('the generated code and a front end on it are right for tsc --strict', typeCheck)
await step('the generated operations work', operationsWork)

function generate() {
  const config = fromGuide('codegen.config.mjs', {
    'http://127.0.0.1:8080/graphql': endpoint,
    'pk_…': publishableKey,
    'src/**/*.graphql': 'codegen/operations.graphql',
    'src/generated/': 'codegen/generated/',
    // Changes for this directory's use of the configuration.
    'export default {': "export default { importExtension: '.js',",
    "preset: 'client',": "preset: 'client', presetConfig: { fragmentMasking: false },",
    'config: {': "config: { documentMode: 'string', useTypeImports: true,"
  })
  runProgram('@graphql-codegen/cli/cjs/bin.js', ['--config', config, '--silent'])
}

/**
 * Asserts that each query and mutation has a sample operation, because nothing else here would notice a missing one.
 */
async function everyRootFieldIsUsed() {
  const schema = buildClientSchema(await send(gateway, publishableKey, getIntrospectionQuery({ oneOf: true })))
  const samples = parse(readFileSync('codegen/operations.graphql', 'utf8'))
  assert.deepEqual(validate(schema, samples), [])

  const roots = [schema.getQueryType(), schema.getMutationType()]
  const unused = new Set(roots.flatMap(root => Object.keys(root.getFields()).map(field => `${root.name}.${field}`)))
  const types = new TypeInfo(schema)
  const use = { Field: ({ name }) => void unused.delete(`${types.getParentType().name}.${name.value}`) }
  visit(samples, visitWithTypeInfo(types, use))
  assert.deepEqual([...unused], [], 'codegen/operations.graphql needs a sample of each of these')
}

function typeCheck() {
  runProgram('typescript/bin/tsc', ['--project', 'codegen'])
}

async function operationsWork() {
  const { journey } = await import('./codegen/built/consumer.js')
  const { registered, storefront, freeBytes, ...seen } = await journey(endpoint, publishableKey)
  assert.deepEqual(seen, { caller: 'a browser', isAnonymous: true, sameUser: true, itemNames: [] })
  assert.match(storefront, /^sto_/)
  assert.ok(!Number.isNaN(registered.getTime()), 'DateTime is what a Date understands')
  assert.ok(freeBytes > 0)
}
