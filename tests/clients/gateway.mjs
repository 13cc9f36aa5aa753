// Shared functions of the scripts: arguments, named steps, programs of npm packages, and plain requests.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Returns the script's arguments, the first of which is always the gateway's URL; exits with a usage line if one is
 * missing.
 */
export function readArguments(script, ...names) {
  const given = process.argv.slice(2)
  if (given.length !== names.length) {
    console.error(`Usage: node ${script} ${names.join(' ')}`)
    process.exit(2)
  }
  return given
}

/** Runs a check and prints its result, so that the place of a failure is visible without a debugger. */
export async function step(name, check) {
  try {
    const found = await check()
    console.log(`ok    ${name}`)
    return found
  } catch (error) {
    console.log(`FAIL  ${name}`)
    throw error
  }
}

/** Runs the program of an installed package, which must succeed, and shows its output. */
export function runProgram(program, args, { cwd, env } = {}) {
  const command = [fileURLToPath(new URL(`node_modules/${program}`, import.meta.url)), ...args]
  const options = { cwd, env: { ...process.env, ...env }, stdio: 'inherit' }
  const { status, error } = spawnSync(process.execPath, command, options)
  if (status !== 0) throw error ?? new Error(`${program} ended with ${status}`)
}

/** Sends an operation without a client library and returns its data; throws if the response has errors. */
export async function send(gateway, credential, query, variables) {
  const response = await fetch(new URL('/graphql', gateway), {
    method: 'POST',
    headers: { Authorization: `Bearer ${credential}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query, variables })
  })
  const { data, errors } = await response.json()
  if (errors) throw new Error(`The gateway answered ${response.status}: ${JSON.stringify(errors)}`)
  return data
}

/** The number of code blocks of the frontend guide that were written to files. */
let written = 0

/**
 * Writes the code block of the frontend guide that begins with `// name` to a file beside the scripts and returns its
 * path, so that the code that users copy is tested. `replacements` are the parts that every user has to adapt; each
 * must occur in the block.
 */
export function fromGuide(name, replacements = {}) {
  const guide = readFileSync(process.env.GUIDE ?? new URL('../../docs/frontend.md', import.meta.url), 'utf8')
  const [, rest] = guide.split(`\n\`\`\`js\n// ${name}\n`)
  if (rest === undefined) throw new Error(`The frontend guide has no block that begins with "// ${name}"`)
  let [code] = rest.split('\n```\n')
  for (const [from, to] of Object.entries(replacements)) {
    if (!code.includes(from)) throw new Error(`The frontend guide's ${name} has no ${from}`)
    code = code.replace(from, () => to)
  }
  written += 1
  const file = new URL(`guide-${written}-${name}`, import.meta.url)
  writeFileSync(file, `${code}\n`)
  return fileURLToPath(file)
}

/** Runs a check that must not log to the console, as caches do about data that they cannot keep. */
export async function quietly(check) {
  const complaints = []
  const { warn, error } = console
  console.warn = (...said) => complaints.push(said.join(' '))
  console.error = console.warn
  try {
    await check()
  } finally {
    Object.assign(console, { warn, error })
  }
  if (complaints.length > 0) throw new Error(complaints.join('\n'))
}

/** Registers an anonymous user, as a browser does, and returns its access token. */
export async function registerGuest(gateway, publishableKey) {
  const { storefrontUserRegister } = await send(
    gateway,
    publishableKey,
    'mutation { storefrontUserRegister(input: { isAnonymous: true }) { token { accessToken } userErrors { code } } }'
  )
  return storefrontUserRegister.token.accessToken
}

/** Returns an image as a browser's file input would; its content differs by name. */
export function picture(name) {
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
  return new File([new Uint8Array(png), name], name, { type: 'image/png' })
}

/** Uploads a file without a client library and returns the id of its item. */
export async function upload(gateway, token, file) {
  const query = `mutation ($input: StorageItemUploadInput!) {
    storageItemUpload(input: $input) { storageItem { id } userErrors { code } }
  }`
  const form = new FormData()
  form.append('operations', JSON.stringify({ query, variables: { input: { file: null } } }))
  form.append('map', JSON.stringify({ 0: ['variables.input.file'] }))
  form.append('0', file)
  const headers = { Authorization: `Bearer ${token}`, 'GraphQL-Require-Preflight': '1' }
  const response = await fetch(new URL('/graphql', gateway), { method: 'POST', headers, body: form })
  const { data } = await response.json()
  return data.storageItemUpload.storageItem
}
