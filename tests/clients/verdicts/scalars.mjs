// The schema's custom scalars with valid and invalid values. graphql-js accepts any value for a scalar of which it
// knows only the name, so that it gets the rules from here.

import { valueFromASTUntyped } from 'graphql'

export const scalars = {
  CurrencyCode: { good: ['EUR', 'USD'], bad: ['eur', 'XXXX', 1, {}] },
  Date: { good: ['2026-11-21', '2024-02-29'], bad: ['2025-02-29', '21.11.2026', 20261121, true] },
  DateTime: { good: ['2026-11-21T09:00:00Z', '2026-11-21T10:00:00.5+01:00'], bad: ['2026-11-21', 'now', 0, []] },
  // A broken request can contain a whole number by chance, which is a decimal too.
  Decimal: { good: ['5.25', '-3', '0'], bad: [5.25, '5,25', '1e3', '', null], isGood: Number.isInteger },
  JSON: { good: ['text', 1, true, [1, { a: null }]], bad: [] },
  Upload: { good: [], bad: ['file', 1] }
}

/** Makes graphql-js validate the values of these scalars. */
export function teach(schema) {
  for (const [name, { good, isGood = () => false }] of Object.entries(scalars)) {
    const known = new Set(good.map((value) => JSON.stringify(value)))
    const scalar = schema.getType(name)
    scalar.parseValue = (value) => {
      if (name !== 'JSON' && !known.has(JSON.stringify(value)) && !isGood(value)) throw new TypeError(`no ${name}`)
      return value
    }
    scalar.parseLiteral = (node, variables) => scalar.parseValue(valueFromASTUntyped(node, variables))
  }
}
