// What the page knows about its gateway, shared by the built page and the CDN page: plain browser code, no imports.

const STATE_PREFIX = 'storefront-gateway'
const PERSIST_HEADERS = 'graphiql:shouldPersistHeaders'
const TAB_STATE = 'graphiql:tabState'
const INTROSPECTION = 'IntrospectionQuery'

/**
 * The page's configuration, as the gateway wrote it: `endpoint`, `publicKey` (or null) and `tabs`.
 */
export async function loadConfig() {
  let outcome
  try {
    const response = await fetch('/graphiql/config.json', { headers: { Accept: 'application/json' } })
    if (response.ok) return await response.json()
    outcome = `status ${response.status}`
  } catch (error) {
    outcome = error.message
  }
  throw new Error(`the gateway did not send the page's configuration (${outcome}). Reload the page once it is running.`)
}

/** Shows why the page cannot start, in place of the loading notice. */
export function showFailure(container, error) {
  const notice = document.createElement('p')
  notice.className = 'notice'
  notice.textContent = `GraphiQL could not start: ${error.message}`
  container.replaceChildren(notice)
}

/**
 * Sends operations the one way that the gateway takes from any page: JSON, which no cross-site form can send.
 *
 * The schema is asked for with the public key or with nothing, never with what stands in the header editor: an
 * expired token there must not take the documentation and the completion away.
 */
export function createFetcher({ endpoint, publicKey }) {
  return async (params, options) => {
    const isIntrospection = params.operationName === INTROSPECTION
    const schemaHeaders = publicKey ? bearer(publicKey) : {}
    const response = await fetch(endpoint, {
      method: 'POST',
      credentials: 'omit',
      headers: {
        ...(isIntrospection ? schemaHeaders : options?.headers),
        Accept: 'application/graphql-response+json, application/json',
        'Content-Type': 'application/json'
      },
      body: JSON.stringify(params)
    })
    const text = await response.text()
    return parsed(text) ?? { errors: [{ message: `The answer (status ${response.status}) is not JSON.` }], text }
  }
}

/** What a new tab has in its header editor. */
export function defaultHeaders({ publicKey }) {
  return publicKey ? JSON.stringify(bearer(publicKey), null, 2) : undefined
}

function bearer(credential) {
  return { Authorization: `Bearer ${credential}` }
}

/**
 * The browser's storage, one drawer for each public key: tabs with the keys of a database that has since been
 * made anew would only collect 401s, so that the new key starts with its own fresh tabs.
 */
export function createStorage({ publicKey }) {
  const drawer = `${STATE_PREFIX}:${publicKey ?? ''}:`
  const own = () => Object.keys(localStorage).filter(key => key.startsWith(drawer))
  return {
    get length() {
      return own().length
    },
    getItem: key => localStorage.getItem(drawer + key),
    setItem: (key, value) => localStorage.setItem(drawer + key, value),
    removeItem: key => localStorage.removeItem(drawer + key),
    clear: () => own().forEach(key => localStorage.removeItem(key))
  }
}

/**
 * Are headers kept in the browser's storage? A demo's are, so that its examples still work after a reload;
 * elsewhere only when the person has switched it on in GraphiQL's settings.
 */
export function keepsHeaders({ publicKey }, storage) {
  const chosen = storage.getItem(PERSIST_HEADERS)
  // GraphiQL hides the setting from people when this is false, and shows it when it is undefined.
  return chosen === 'true' || (chosen === null && Boolean(publicKey)) ? true : undefined
}

/**
 * The tab that is open at the start: the one that was left open, or the first example. GraphiQL itself would put it
 * together from three values that it stores apart, and open one more tab whenever they do not match.
 */
export function openTab({ tabs }, storage) {
  const stored = parsed(storage.getItem(TAB_STATE))
  const tab = stored?.tabs?.[stored.activeTabIndex] ?? tabs[0]
  return { query: tab?.query ?? '', variables: tab?.variables ?? '', headers: tab?.headers ?? '' }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
