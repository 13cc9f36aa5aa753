// Generates valid documents with variables from a schema; `spoil` then breaks some of them.

import {
  getNamedType, getNullableType, isEnumType, isInputObjectType, isInterfaceType, isLeafType, isListType, isNonNullType,
  isObjectType, isRequiredArgument, isRequiredInputField, isUnionType
} from 'graphql'
import { scalars } from './scalars.mjs'

const ID = 'cus_01ARZ3NDEKTSV4RRFFQ69G5FAV'

/** Returns a document as parts, each of which can be broken on its own, and the values of its variables. */
export function generate(schema, random) {
  const maker = new Maker(schema, random)
  const count = random.chance(0.15) ? 2 : 1
  const operations = []
  for (let number = 0; number < count; number++) {
    operations.push(maker.operation(count > 1 || random.chance(0.4) ? `Op${number}` : ''))
  }
  const chosen = random.pick(operations)
  return {
    text: [...operations.map((operation) => operation.text), ...maker.fragments].join('\n'),
    operationName: chosen.name || undefined,
    variables: chosen.values
  }
}

class Maker {
  fragments = []

  constructor(schema, random) {
    this.schema = schema
    this.random = random
  }

  operation(name) {
    const { random, schema } = this
    const isMutation = random.chance(0.3)
    const root = isMutation ? schema.getMutationType() : schema.getQueryType()
    this.definitions = []
    this.values = {}
    // Fields are skipped, so that nothing is changed or read: the verdict is about the document.
    this.skip = () => (isMutation || random.chance(0.8) ? ' @skip(if: true)' : '')
    const count = isMutation ? 1 : 1 + random.below(3)
    const selections = Array.from({ length: count }, (_, index) => this.rootField(root, `f${index}`))
    const definitions = this.definitions.length > 0 ? `(${this.definitions.join(', ')})` : ''
    const keyword = isMutation ? 'mutation' : 'query'
    const head = name || definitions || isMutation ? `${keyword} ${name}${definitions} ` : ''
    const text = `${head}{ ${selections.join(' ')} }`
    return { name, text, values: this.values }
  }

  rootField(root, alias) {
    const fields = Object.values(root.getFields()).filter((field) => !takesFile(field))
    const field = this.random.pick(fields)
    return `${alias}: ${field.name}${this.args(field.args)}${this.skip()}${this.selection(field.type, 3)}`
  }

  selection(type, depth) {
    const named = getNamedType(type)
    if (isLeafType(named)) return ''
    return ` { ${this.selections(named, depth).join(' ')} }`
  }

  selections(type, depth) {
    const { random } = this
    const found = random.chance(0.3) ? ['__typename'] : []
    if (isUnionType(type) || isInterfaceType(type)) {
      const possible = random.pick(this.schema.getPossibleTypes(type))
      found.push(`... on ${possible.name} { ${this.selections(possible, depth - 1).join(' ')} }`)
      if (isUnionType(type)) return found
    }
    const fields = Object.values(type.getFields()).filter((field) => depth > 0 || isLeafType(getNamedType(field.type)))
    for (let number = random.below(3); number >= 0 && fields.length > 0; number--) {
      const field = random.pick(fields)
      if (!isLeafType(getNamedType(field.type)) && depth <= 0) continue
      const hasArgs = field.args.length > 0
      const alias = hasArgs || random.chance(0.1) ? `a${random.below(1_000_000)}: ` : ''
      const inner = `${alias}${field.name}${this.args(field.args)}${this.directive()}${this.selection(field.type, depth - 1)}`
      found.push(random.chance(0.1) && isObjectType(type) ? this.inFragment(type, inner) : inner)
    }
    if (found.length === 0) found.push('__typename')
    return found
  }

  inFragment(type, inner) {
    if (this.random.chance(0.5) || inner.includes('$')) return `...${this.directive()} { ${inner} }`
    const name = `Fragment${this.fragments.length}`
    this.fragments.push(`fragment ${name} on ${type.name} { ${inner} }`)
    return `...${name}`
  }

  directive() {
    if (!this.random.chance(0.05)) return ''
    const name = this.random.pick(['include', 'skip'])
    return ` @${name}(if: ${this.random.chance(0.5) ? 'true' : this.variable('Boolean!', true)})`
  }

  args(args) {
    const given = args.filter((arg) => isRequiredArgument(arg) || this.random.chance(0.3))
    if (given.length === 0) return ''
    return `(${given.map((arg) => `${arg.name}: ${this.value(arg.type)}`).join(', ')})`
  }

  /** Returns a value for the document: a literal or a variable. */
  value(type, depth = 4) {
    const required = isNonNullType(type)
    if (!required && this.random.chance(0.1)) return 'null'
    if (this.random.chance(0.3)) {
      const declared = !required && this.random.chance(0.3) ? `${type}!` : String(type)
      return this.variable(declared, this.json(type, depth), required)
    }
    return this.literal(type, depth)
  }

  variable(type, value) {
    const name = `v${this.definitions.length}`
    this.definitions.push(`$${name}: ${type}`)
    this.values[name] = value
    return `$${name}`
  }

  literal(type, depth) {
    const nullable = getNullableType(type)
    if (isListType(nullable)) {
      const items = this.items(nullable.ofType, depth, (item) => this.value(item, depth - 1))
      return Array.isArray(items) ? `[${items.join(', ')}]` : items
    }
    if (isInputObjectType(nullable)) {
      const fields = this.inputFields(nullable, depth).map((field) => {
        // The only field of a one-of input object must not be null.
        const value = nullable.isOneOf ? this.literal(field.type, depth - 1) : this.value(field.type, depth - 1)
        return `${field.name}: ${value}`
      })
      return `{ ${fields.join(', ')} }`
    }
    if (isEnumType(nullable)) return this.random.pick(nullable.getValues()).name
    return printed(this.scalar(nullable.name))
  }

  json(type, depth = 4) {
    const nullable = getNullableType(type)
    if (!isNonNullType(type) && this.random.chance(0.1)) return null
    if (isListType(nullable)) return this.items(nullable.ofType, depth, (item) => this.json(item, depth - 1))
    if (isInputObjectType(nullable)) {
      const entries = this.inputFields(nullable, depth).map((field) => {
        const value = this.json(field.type, depth - 1)
        return [field.name, nullable.isOneOf && value === null ? this.scalar('String') : value]
      })
      return Object.fromEntries(entries)
    }
    if (isEnumType(nullable)) return this.random.pick(nullable.getValues()).name
    return this.scalar(nullable.name)
  }

  items(type, depth, make) {
    // A single value is coerced to a list of one.
    if (this.random.chance(0.1) && !isListType(getNullableType(type))) return make(type)
    return Array.from({ length: depth > 0 ? this.random.below(3) : 0 }, () => make(type))
  }

  inputFields(type, depth) {
    const fields = Object.values(type.getFields()).filter((field) => getNamedType(field.type).name !== 'Upload')
    if (type.isOneOf) {
      const plain = fields.filter((field) => isLeafType(getNamedType(field.type)))
      return [this.random.pick(plain.length > 0 ? plain : fields)]
    }
    return fields.filter((field) => isRequiredInputField(field) || (depth > 0 && this.random.chance(0.3)))
  }

  scalar(name) {
    switch (name) {
      case 'Int':
        return this.random.pick([1, 2, 5])
      case 'Float':
        return this.random.pick([1, 0.5, -2.25])
      case 'Boolean':
        return this.random.chance(0.5)
      case 'ID':
        return ID
      case 'String':
        return this.random.pick(['text', 'ä€😀', '', 'two\nlines', '"quoted" \\'])
      default:
        return this.random.pick(scalars[name].good)
    }
  }
}

function takesFile(field) {
  return field.args.some((arg) => {
    const type = getNamedType(arg.type)
    const fields = isInputObjectType(type) ? Object.values(type.getFields()) : []
    return [type, ...fields.map((own) => getNamedType(own.type))].some((own) => own.name === 'Upload')
  })
}

/** Prints a value as a GraphQL literal. */
export function printed(value) {
  if (Array.isArray(value)) return `[${value.map(printed).join(', ')}]`
  if (value !== null && typeof value === 'object') {
    return `{ ${Object.entries(value).map(([name, own]) => `${name}: ${printed(own)}`).join(', ')} }`
  }
  return JSON.stringify(value)
}
