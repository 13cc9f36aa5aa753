// A mail server for tests. Usage: node smtp.mjs PORT [starttls] [login]; port 0 takes a free one.
// Prints one JSON line when it listens ({port}) and one a mail that it took ({from, to, data}); ends with its standard
// input. What happens to a mail is said by the part before the @ of the recipient (or sender):
//   refused  550, for good      later  451, for now      spam  554 after the content      hang  no answer to the content
// starttls: offers STARTTLS, with a certificate that nobody trusts. login: only for the user gateway, password secret.

import { SMTPServer } from 'smtp-server'

const [port, ...modes] = process.argv.slice(2)
if (port === undefined) {
  console.error('Usage: node smtp.mjs PORT [starttls] [login]')
  process.exit(2)
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const REFUSALS = { refused: 550, later: 451 }

/** Refuses an address with its code; the answer repeats the address, as servers do. */
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
// A client that breaks off is no reason to end; a port that is taken is.
server.on('error', (error) => {
  if (!server.server.listening) throw error
})
server.listen(Number(port), '127.0.0.1', () => say({ port: server.server.address().port }))
process.stdin.on('end', () => process.exit(0)).resume()
