// Compares the verdicts of the gateway and of graphql-js on requests generated from the schema, valid and broken ones;
// each is sent to the gateway twice. Usage: node verdicts.mjs http://127.0.0.1:8080 pk_… schema.graphql SEED COUNT

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { buildSchema, getOperationAST, parse, validate } from 'graphql'
import { getVariableValues } from 'graphql/execution/values.js'
import { readArguments, step } from './gateway.mjs'
import { generate } from './verdicts/generate.mjs'
import { random } from './verdicts/random.mjs'
import { teach } from './verdicts/scalars.mjs'
import { spoil } from './verdicts/spoil.mjs'

const [gateway, publishableKey, schemaFile, seed, count] = readArguments(
  'verdicts.mjs', 'URL', 'PUBLISHABLE_KEY', 'SCHEMA_FILE', 'SEED', 'COUNT'
)
/** The number of concurrent requests. */
const AT_ONCE = 8
/** The highest percentage of requests that may exceed a limit of the gateway, which graphql-js does not have. */
const MOST_LIMITED = 10

/** Requests for which the gateway's verdict may differ, each with its reason. */
const exceptions = [
  {
    reason: 'numbers beyond 64 bits are refused where graphql-js takes them as an id or as an infinite Float',
    applies: ({ text, variables }) => /\b\d{20,}\b|e\+?\d{2,}/u.test(text + JSON.stringify(variables))
  },
  {
    reason: 'a subscription is refused as long as the schema has none; graphql-js says so when it is executed',
    applies: ({ text }) => text.includes('subscription Live') && !schema.getSubscriptionType()
  }
]

const schema = buildSchema(readFileSync(schemaFile, 'utf8'))
teach(schema)

const dice = random(Number(seed))
const requests = Array.from({ length: Number(count) }, () => {
  const request = generate(schema, dice)
  return dice.chance(0.3) ? request : spoil(request, dice)
})
const tally = { valid: 0, invalid: 0, limited: 0, excepted: 0 }
const different = []
await step(`${count} requests of seed ${seed} are judged as graphql-js judges them`, async () => {
  const queue = requests.values()
  const worker = async () => {
    for (const request of queue) await compare(request)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  console.log(JSON.stringify(tally))
  for (const verdict of different) console.log(JSON.stringify(verdict))
  assert.equal(different.length, 0, 'verdicts that differ')
  assert.ok(tally.valid > count * 0.25 && tally.invalid > count * 0.25, 'both verdicts occur')
  assert.ok(tally.limited * 100 <= count * MOST_LIMITED, 'few requests meet a limit')
})

async function compare(request) {
  const theirs = judge(request)
  const ours = [await ask(request), await ask(request)]
  const [first, again] = ours.map((answer) => answer.verdict)
  if (first === 'limited') return void tally.limited++
  if (exceptions.some(({ applies }) => applies(request))) return void tally.excepted++
  tally[theirs.verdict]++
  if (first !== theirs.verdict || again !== theirs.verdict) different.push({ ...request, theirs, ours })
}

/** Returns the verdict of graphql-js. */
function judge({ text, operationName, variables }) {
  const invalid = (errors) => ({ verdict: 'invalid', why: errors.map((error) => error.message) })
  let document
  try {
    document = parse(text)
  } catch (error) {
    return invalid([error])
  }
  const errors = validate(schema, document)
  if (errors.length > 0) return invalid(errors)
  const operation = getOperationAST(document, operationName)
  if (!operation) return invalid([new Error('no such operation')])
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  return coerced.errors ? invalid(coerced.errors) : { verdict: 'valid' }
}

/** Returns the verdict of the gateway: the response to a valid request has an entry "data". */
async function ask({ text, operationName, variables }) {
  const response = await fetch(new URL('/graphql', gateway), {
    method: 'POST',
    headers: { Authorization: `Bearer ${publishableKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: text, operationName, variables })
  })
  const { data, errors } = await response.json()
  const why = errors?.map((error) => error.message)
  const codes = new Set(errors?.map((error) => error.extensions.code))
  assert.ok(!codes.has('INTERNAL'), JSON.stringify({ text, variables, why }))
  if (codes.has('LIMIT_EXCEEDED')) return { verdict: 'limited' }
  return { verdict: data === undefined ? 'invalid' : 'valid', why }
}
