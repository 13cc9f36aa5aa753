// A mail server for tests. Usage: node smtp.mjs PORT [starttls] [login]; port 0 takes a free one.
// Prints one JSON line when it listens ({port}) and one for each mail that it accepts ({from, to, data}); ends with its
// standard input. The part before the @ of the recipient (or sender) decides what happens to a mail:
//   refused  550, permanently      later  451, temporarily      spam  554 after the content      hang  no reply to it
// starttls: offers STARTTLS, with an untrusted certificate. login: requires the user gateway with the password secret.

import { SMTPServer } from 'smtp-server'

const [port, ...modes] = process.argv.slice(2)
if (port === undefined) {
  console.error('Usage: node smtp.mjs PORT [starttls] [login]')
  process.exit(2)
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const REFUSALS = { refused: 550, later: 451 }

/** Refuses an address with its code; the reply repeats the address, as servers do. */
function check({ address }, _session, done) {
  const code = REFUSALS[address.split('@')[0]]
  if (!code) return done()
  done(Object.assign(new Error(`<${address}> is not taken`), { responseCode: code }))
}

function take(stream, { envelope }, done) {
  const chunks = []
  stream.on('data', (chunk) => chunks.push(chunk))
  stream.on('end', () => {
    const to = envelope.rcptTo.map(({ address }) => address)
    if (to.some((address) => address.startsWith('hang@'))) return
    if (to.some((address) => address.startsWith('spam@'))) {
      return done(Object.assign(new Error('This looks like spam'), { responseCode: 554 }))
    }
    say({ from: envelope.mailFrom.address, to, data: Buffer.concat(chunks).toString() })
    done()
  })
}

const server = new SMTPServer({
  hideSTARTTLS: !modes.includes('starttls'),
  disabledCommands: modes.includes('login') ? [] : ['AUTH'],
  authOptional: !modes.includes('login'),
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _session, done) =>
    username === 'gateway' && password === 'secret'
      ? done(null, { user: username })
      : done(new Error('Wrong user name or password')),
  onMailFrom: check,
  onRcptTo: check,
  onData: take,
  disableReverseLookup: true,
  logger: false
})
// A client that breaks the connection must not end the server; a port that is in use must.
server.on('error', (error) => {
  if (!server.server.listening) throw error
})
server.listen(Number(port), '127.0.0.1', () => say({ port: server.server.address().port }))
process.stdin.on('end', () => process.exit(0)).resume()
