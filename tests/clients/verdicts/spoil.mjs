// Breaks a valid request in one place. Some changes leave it valid, which graphql-js decides.

import { scalars } from './scalars.mjs'

const TOKEN = /\.\.\.|[{}()[\]:!$@=|]|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*/gu

const BAD = [null, true, 1, -1, 2.5, 5.0, 2147483648, 1e30, '', 'text', 'DE', 'de', [], [[]], [null], {}, { id: 'x' }]
const BAD_LITERALS = [
  'null', 'true', '1', '2.5', '99999999999', '""', '"DE"', 'DE', 'de', '[]', '[[1]]', '{}', '{ a: 1 }', '$missing', '-0', '1e3',
  '"\\u{1F600}"', '"\\uD83D\\uDE00"', '"\\uD83D"', '"""block \\""" string"""'
]
const FRAGMENTS = [
  'fragment Unused on Query { __typename }',
  'fragment Circle on Query { ...Circle }',
  'fragment OnScalar on String { __typename }',
  'fragment OnInput on CustomerBy { __typename }',
  'query Second { __typename }',
  'query Second { __typename } query Second { __typename }',
  '{ __typename }',
  'subscription Live { __typename }',
  'type Extra { a: Int }',
  'query Unknown($a: Missing) { __typename @include(if: $a) }',
  'query NoInput($a: Customer) { __typename }',
  'query Twice($a: Int, $a: Int) { __typename }',
  'query Wide($n: Boolean) { storefronts(first: $n) { totalCount } }'
]
const SELECTIONS = [
  'missing', '__typename { x }', '__typename @missing', '__typename @skip', '__typename @include(if: [[]])',
  '__typename @include(if: true) @include(if: true)', '__typename @deprecated', '...Missing', '... on Missing { id }',
  '... on String { length }', '... on Customer { id }', '... @include(if: true) { __typename }', 'x: __typename x: __typename',
  'x: __typename x: node(id: "a") { id }', '__schema { queryType { name } }', '__type(name: "Query") { name missing }',
  'node(id: "a") { id missing }', 'viewer', 'viewer { kind { x } }', 'node(id: "a", id: "b") { id }', 'node { id }'
]

export function spoil(request, random) {
  const ways = [inText, inText, inText, values, values, values, selection, selection, addition, literal, literal, unused]
  return random.pick(ways)(request, random)
}

function inText(request, random) {
  const tokens = [...request.text.matchAll(TOKEN)]
  const token = random.pick(tokens)
  const other = random.pick(tokens)[0]
  const replacement = random.pick(['', `${token[0]} ${token[0]}`, other, `${token[0]}x`, token[0].slice(0, -1), swapCase(token[0])])
  return { ...request, text: replace(request.text, token, replacement) }
}

function literal(request, random) {
  const values = [...request.text.matchAll(/(?<=: )(?:"(?:[^"\\]|\\.)*"|\$\w+|-?\d+(?:\.\d+)?|true|false|null|[A-Z_]{2,})(?=[ ,)\]}])/gu)]
  if (values.length === 0) return inText(request, random)
  const bad = random.chance(0.3) ? scalarLiteral(random) : random.pick(BAD_LITERALS)
  return { ...request, text: replace(request.text, random.pick(values), bad) }
}

function scalarLiteral(random) {
  const { bad } = random.pick(Object.values(scalars))
  const value = bad.length > 0 ? random.pick(bad) : 'x'
  return JSON.stringify(value)
}

function selection(request, random) {
  const places = [...request.text.matchAll(/(?<=\) |\w |"|true\) )\{ /gu)]
  if (places.length === 0) return inText(request, random)
  const place = random.pick(places)
  return { ...request, text: replace(request.text, place, `{ ${random.pick(SELECTIONS)} `) }
}

function addition(request, random) {
  return { ...request, text: `${request.text}\n${random.pick(FRAGMENTS)}` }
}

function unused(request) {
  const text = request.text.includes('($') ? request.text.replace('($', '($unused: Int, $') : `query($unused: Int) ${request.text}`
  return { ...request, text }
}

/** Breaks the value of a variable at a random depth. */
function values(request, random) {
  const names = Object.keys(request.variables)
  if (names.length === 0) return literal(request, random)
  const variables = structuredClone(request.variables)
  let [holder, name] = [variables, random.pick(names)]
  while (holder[name] !== null && typeof holder[name] === 'object' && Object.keys(holder[name]).length > 0 && random.chance(0.7)) {
    holder = holder[name]
    name = random.pick(Object.keys(holder))
  }
  const kind = random.below(4)
  if (kind === 0) delete holder[name]
  else if (kind === 1 && holder[name] !== null && typeof holder[name] === 'object' && !Array.isArray(holder[name])) holder[name].missing = 1
  else if (kind === 2 && Array.isArray(holder[name])) holder[name] = holder[name][0]
  else holder[name] = random.chance(0.3) ? random.pick(random.pick(Object.values(scalars)).bad.concat('x')) : random.pick(BAD)
  return { ...request, variables: JSON.parse(JSON.stringify(variables)) }
}

function replace(text, match, replacement) {
  return text.slice(0, match.index) + replacement + text.slice(match.index + match[0].length)
}

function swapCase(text) {
  return text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()
}
