// What the scripts have in common: arguments, named steps, packages' programs, and a plain request.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The script's arguments; ends it with a line of help when one is missing. The first is always the gateway's URL. */
export function readArguments(script, ...names) {
  const given = process.argv.slice(2)
  if (given.length !== names.length) {
    console.error(`Usage: node ${script} ${names.join(' ')}`)
    process.exit(2)
  }
  return given
}

/** Runs a check and tells how it went, so that a failure's place is known without a debugger. */
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

/** Runs the program of an installed package, which must succeed; what it prints is shown. */
export function runProgram(program, args, { cwd, env } = {}) {
  const command = [fileURLToPath(new URL(`node_modules/${program}`, import.meta.url)), ...args]
  const options = { cwd, env: { ...process.env, ...env }, stdio: 'inherit' }
  const { status, error } = spawnSync(process.execPath, command, options)
  if (status !== 0) throw error ?? new Error(`${program} ended with ${status}`)
}

/** Sends an operation that must succeed, past any client library, and returns its data. */
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

/** Blocks of the frontend guide that were written to files. */
let written = 0

/**
 * The code block of the frontend guide that begins with `// name`, written to a file beside the scripts; its path. So what people
 * copy is what is tried. `replacements` are the lines that everybody has to adapt: each must be there.
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

/** Runs a check during which nobody may complain on the console, as caches do about what they cannot keep. */
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

/** Registers an anonymous user, as a browser does, and returns its token. */
export async function registerGuest(gateway, publishableKey) {
  const { storefrontUserRegister } = await send(
    gateway,
    publishableKey,
    'mutation { storefrontUserRegister(input: { isAnonymous: true }) { token { accessToken } userErrors { code } } }'
  )
  return storefrontUserRegister.token.accessToken
}

/** An image as a browser's file input would give it; its content differs from name to name. */
export function picture(name) {
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
  return new File([new Uint8Array(png), name], name, { type: 'image/png' })
}

/** Uploads a file past any client library, and returns its item's id. */
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
