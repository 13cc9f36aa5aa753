// A small front end on the generated code: the journey of a customer, and errors that TypeScript must find.

import {
  PrivateStorageDocument,
  RegisterDocument,
  type StorageItemUploadInput,
  type StorefrontUserBy,
  type TypedDocumentString,
  type ViewerKind,
  WhoAmIDocument
} from './generated/graphql.js'

/** Sends an operation; its variables and data have the types of the operation. */
async function request<Data, Variables>(
  endpoint: string,
  credential: string,
  operation: TypedDocumentString<Data, Variables>,
  variables: Variables
): Promise<Data> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Authorization: `Bearer ${credential}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: operation.toString(), variables })
  })
  const { data, errors } = (await response.json()) as { data?: Data; errors?: { message: string }[] }
  if (!data || errors) throw new Error(errors?.map(error => error.message).join('\n') ?? `HTTP ${response.status}`)
  return data
}

/** A switch that TypeScript must accept as exhaustive. */
function greet(kind: ViewerKind): string {
  switch (kind) {
    case 'PUBLIC':
      return 'a browser'
    case 'INTEGRATION':
      return 'a back end'
    case 'STOREFRONT_USER':
      return 'a visitor'
    case 'CUSTOMER':
      return 'a customer'
  }
}

/** Registers an anonymous user with a publishable key, and reads its storage with the token received. */
export async function journey(endpoint: string, publishableKey: string) {
  const { viewer } = await request(endpoint, publishableKey, WhoAmIDocument, {})
  if (!viewer) throw new Error('The publishable key stands for nobody.')

  const input = { isAnonymous: true }
  const { storefrontUserRegister: payload } = await request(endpoint, publishableKey, RegisterDocument, { input })
  if (!payload) throw new Error('The registration failed as a whole.')
  const { storefrontUser: user, token, userErrors } = payload
  if (!user || !token) throw new Error(userErrors.map(({ code, message }) => `${code}: ${message}`).join('\n'))

  const by: StorefrontUserBy = { external: { storefrontUserId: user.storefrontUserId } }
  const { storefrontUser } = await request(endpoint, token.accessToken, PrivateStorageDocument, { by, first: 10 })
  if (!storefrontUser) throw new Error('The user does not see itself.')
  const { items, ...storage } = storefrontUser.privateStorage
  return {
    caller: greet(viewer.kind),
    storefront: viewer.storefront?.id,
    isAnonymous: user.isAnonymous,
    sameUser: storefrontUser.id === user.id,
    registered: new Date(user.createdAt),
    freeBytes: storage.quotaBytes - storage.totalBytes,
    itemNames: items.nodes.map(item => item.name)
  }
}

// Each of these lines must be an error: compilation fails if TypeScript accepts one of them.

// @ts-expect-error A user is named one way or the other, not both.
export const both: StorefrontUserBy = { id: 'sfu_1', external: { storefrontUserId: '1' } }

// @ts-expect-error Nor by neither.
export const neither: StorefrontUserBy = {}

// @ts-expect-error A file is a file, not its address.
export const address: StorageItemUploadInput = { file: '/tmp/cat.png' }

export const wrongVariables = (endpoint: string) =>
  // @ts-expect-error `isAnonymous` is required.
  request(endpoint, '', RegisterDocument, { input: {} })

export const unchecked = async (endpoint: string) => {
  const { viewer } = await request(endpoint, '', WhoAmIDocument, {})
  // @ts-expect-error The viewer may be null.
  return viewer.kind
}

export const failed = async (endpoint: string) => {
  const { storefrontUserRegister } = await request(endpoint, '', RegisterDocument, { input: { isAnonymous: true } })
  // @ts-expect-error A mutation that fails with a top-level error is null.
  return storefrontUserRegister.userErrors
}
