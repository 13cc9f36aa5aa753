// Checks the exported schema against common GraphQL rules: graphql-eslint's recommended ones and Relay's.
// Usage: node lint.mjs ../../schema.graphql

import { readFileSync } from 'node:fs'
import plugin from '@graphql-eslint/eslint-plugin'
import { ESLint } from 'eslint'
import { readArguments, step } from './gateway.mjs'

const [schema] = readArguments('lint.mjs', 'SCHEMA_FILE')

const RULES = { ...plugin.configs['flat/schema-recommended'].rules, ...plugin.configs['flat/schema-relay'].rules }

/** Rules that do not apply fully, with the extent and the reason. */
const EXCEPTIONS = {
  // Only types that `node` returns have an id. Caches keep the others as parts of the object that contains them.
  '@graphql-eslint/strict-id-in-types': [
    'error',
    {
      exceptions: {
        types: [
          'AccessToken',
          'AnonymizationInfo',
          'CustomField',
          'CustomerToken',
          'ErasureReceipt',
          'IdentityProvider',
          'Money',
          'OrderAddress',
          'OrderLine',
          'PageInfo',
          'PrivateStorage',
          'TermsAcceptance',
          'UserError',
          'Viewer'
        ],
        suffixes: ['Connection', 'Edge', 'Payload']
      }
    }
  ],
  // A connection offers its objects as `nodes` too, and a payload has its user errors as a plain list.
  '@graphql-eslint/relay-edge-types': [
    'error',
    { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }
  ]
}

/** Single findings that are intended. One that no longer occurs is a failure too. */
const ACCEPTED = [
  {
    rule: '@graphql-eslint/no-typename-prefix',
    message: 'Field "address1" starts with the name of the parent type "Address"',
    reason: 'the lines of an address, as stores and their forms name them'
  },
  {
    rule: '@graphql-eslint/no-typename-prefix',
    message: 'Field "address2" starts with the name of the parent type "Address"',
    reason: 'the lines of an address, as stores and their forms name them'
  },
  {
    rule: '@graphql-eslint/no-typename-prefix',
    message: 'Field "address3" starts with the name of the parent type "Address"',
    reason: 'the lines of an address, as stores and their forms name them'
  },
  {
    rule: '@graphql-eslint/no-typename-prefix',
    message: 'Field "accessToken" starts with the name of the parent type "AccessToken"',
    reason: "RFC 6749's name of the field"
  },
  {
    rule: '@graphql-eslint/no-typename-prefix',
    message: 'Field "storefrontUserId" starts with the name of the parent type "StorefrontUser"',
    reason: "the online store's own id, which must not be mistaken for the global `id`"
  }
]

await step('the schema follows the rules', async () => {
  const findings = await lint()
  const isMeant = ({ ruleId, message }) => ACCEPTED.some(one => one.rule === ruleId && one.message === message)
  const wrong = findings.filter(finding => !isMeant(finding))
  const stale = ACCEPTED.filter(one => !findings.some(found => found.ruleId === one.rule && found.message === one.message))
  if (wrong.length + stale.length === 0) return
  throw new Error([...wrong.map(describe), ...stale.map(({ message }) => `no longer found: ${message}`)].join('\n'))
})

async function lint() {
  const eslint = new ESLint({
    overrideConfigFile: true,
    overrideConfig: {
      files: ['**/*.graphql'],
      languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema } } },
      plugins: { '@graphql-eslint': plugin },
      rules: { ...RULES, ...EXCEPTIONS }
    }
  })
  // Under a name in this directory, because ESLint ignores files outside of it.
  const [result] = await eslint.lintText(readFileSync(schema, 'utf8'), { filePath: 'schema.graphql' })
  return result.messages
}

function describe({ line, ruleId, message }) {
  return `schema.graphql:${line} ${message} (${ruleId})`
}
