// Lists what the cache configurations in the frontend guide have to cover: every type without an id and every
// connection. A new type or list that the guide lacks fails a test, before a store's cache loses its data.

import assert from 'node:assert/strict'
import { isInterfaceType, isListType, isObjectType, getNamedType, getNullableType } from 'graphql'

const PAGE = ['first', 'after', 'last', 'before']

/** Returns the object types of the schema, except for connections, edges, payloads and the mutation type. */
function types(schema) {
  const isOurs = ({ name }) => !name.startsWith('__') && !/(Connection|Edge|Payload|PageInfo)$/.test(name)
  const all = Object.values(schema.getTypeMap()).filter(type => isObjectType(type) && isOurs(type))
  return all.filter(type => type !== schema.getMutationType())
}

const isConnection = field => getNamedType(field.type).name.endsWith('Connection')

/** Returns the names of the types without an id. */
export function parts(schema) {
  const roots = [schema.getQueryType()]
  return types(schema).filter(type => !type.getFields().id && !roots.includes(type)).map(({ name }) => name)
}

/** Returns the names of the types that `node` can return. */
export function nodes(schema) {
  const node = schema.getType('Node')
  assert.ok(isInterfaceType(node))
  return schema.getPossibleTypes(node).map(({ name }) => name).sort()
}

/** Returns each field that is a connection, with the arguments that select a different list. */
export function connections(schema) {
  const found = []
  for (const type of types(schema))
    for (const field of Object.values(type.getFields()).filter(isConnection))
      found.push({
        type: type.name,
        field: field.name,
        arguments: field.args.map(({ name }) => name).filter(name => !PAGE.includes(name))
      })
  assert.ok(found.length > 10, 'the connections were found')
  return found
}

/** Returns each field that is a list of objects. */
export function lists(schema) {
  const isListOfObjects = ({ type }) => isListType(getNullableType(type)) && isObjectType(getNamedType(type))
  return types(schema).flatMap(type =>
    Object.values(type.getFields())
      .filter(isListOfObjects)
      .map(field => ({ type: type.name, field: field.name }))
  )
}
