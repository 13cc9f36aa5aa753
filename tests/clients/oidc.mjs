// An identity provider for tests, and the browsers that sign in there. Usage: node oidc.mjs CONFIGURATION
// The provider is the certified oidc-provider on a free port of the loopback address. CONFIGURATION is JSON:
//   {"redirectUri", "accounts": {login: claims}, "client": {…}, "claimsInIdToken": true, "algorithm": "ES256"}
// Prints one JSON line when it listens ({issuer}). For each line {url, login} of its standard input a new browser opens
// the authorization URL, signs in and consents in the provider's own forms; the output is a line with {returned}, the
// URL that it is redirected to, or {failed} with the reason. Ends with its standard input.

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Provider } from 'oidc-provider'

if (process.argv.length !== 3) {
  console.error('Usage: node oidc.mjs CONFIGURATION')
  process.exit(2)
}
const { redirectUri, accounts, client, claimsInIdToken = false, algorithm = 'RS256' } = JSON.parse(process.argv[2])

// The provider's advice for production must not mix with the output lines.
console.info = console.error

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** Generates a signing key of the provider. */
function key() {
  const [kind, options] = algorithm === 'ES256' ? ['ec', { namedCurve: 'P-256' }] : ['rsa', { modulusLength: 2048 }]
  const { privateKey } = generateKeyPairSync(kind, options)
  return { ...privateKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', kid: 'first' }
}

function configuration() {
  return {
    clients: [{ redirect_uris: [redirectUri], id_token_signed_response_alg: algorithm, ...client }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
    conformIdTokenClaims: !claimsInIdToken,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_context, login) =>
      accounts[login] && { accountId: login, claims: () => ({ sub: login, ...accounts[login] }) },
    jwks: { keys: [key()] },
    pkce: { required: () => true }
  }
}

/**
 * Signs in with a browser without a window: keeps cookies, follows the provider's redirects, and fills in its forms.
 */
async function signIn({ url, login }) {
  const cookies = new Map()
  const answers = { login: { login, password: 'any' }, consent: {} }
  let next = { url: new URL(url) }
  for (let step = 0; step < 20; step++) {
    const response = await visit(next, cookies)
    const location = response.headers.get('location')
    if (location?.startsWith(redirectUri)) return location
    if (location) {
      next = { url: new URL(location, next.url) }
      continue
    }
    const page = await response.text()
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
    if (!prompt || !action) throw new Error(`the provider shows a page (${response.status}) without a form`)
    const body = new URLSearchParams({ prompt, ...answers[prompt] })
    next = { url: new URL(action, next.url), init: { method: 'POST', body } }
  }
  throw new Error('the provider leads in circles')
}

async function visit({ url, init }, cookies) {
  const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
  const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...init })
  for (const line of response.headers.getSetCookie()) {
    const [name, ...value] = line.split(';', 1)[0].split('=')
    cookies.set(name, value.join('='))
  }
  return response
}

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  server.on('request', new Provider(issuer, configuration()).callback())
  say({ issuer })
})

const lines = createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  try {
    say({ returned: await signIn(JSON.parse(line)) })
  } catch (error) {
    say({ failed: error.message })
  }
})
lines.on('close', () => process.exit(0))
