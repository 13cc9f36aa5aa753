// What the frontend guide says about caches, against the schema: every type without an id and every connection is named there.
// A new type or list that is missing fails here, before a cache of somebody's loses it.

import assert from 'node:assert/strict'
import { isInterfaceType, isListType, isObjectType, getNamedType, getNullableType } from 'graphql'

const PAGE = ['first', 'after', 'last', 'before']

/** The object types of a schema that a query can reach, but for connections, edges and payloads. */
function types(schema) {
  const isOurs = ({ name }) => !name.startsWith('__') && !/(Connection|Edge|Payload|PageInfo)$/.test(name)
  const all = Object.values(schema.getTypeMap()).filter(type => isObjectType(type) && isOurs(type))
  return all.filter(type => type !== schema.getMutationType())
}

const isConnection = field => getNamedType(field.type).name.endsWith('Connection')

/** The types that have no id. */
export function parts(schema) {
  const roots = [schema.getQueryType()]
  return types(schema).filter(type => !type.getFields().id && !roots.includes(type)).map(({ name }) => name)
}

/** All that `node` finds. */
export function nodes(schema) {
  const node = schema.getType('Node')
  assert.ok(isInterfaceType(node))
  return schema.getPossibleTypes(node).map(({ name }) => name).sort()
}

/** Each field that is a connection, and its arguments that make another list of it. */
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

/** Each field that is a list of objects. */
export function lists(schema) {
  const isListOfObjects = ({ type }) => isListType(getNullableType(type)) && isObjectType(getNamedType(type))
  return types(schema).flatMap(type =>
    Object.values(type.getFields())
      .filter(isListOfObjects)
      .map(field => ({ type: type.name, field: field.name }))
  )
}
