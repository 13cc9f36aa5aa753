// GraphQL over HTTP: every audit of the npm package graphql-http, MUST, SHOULD and MAY, against a running gateway.
//
//   node audits.mjs http://127.0.0.1:8080/graphql [bearer credential]

import { serverAudits } from 'graphql-http';

const [url, bearer] = process.argv.slice(2);
if (!url) {
  console.error('usage: node audits.mjs URL [BEARER]');
  process.exit(2);
}

// The audits know nothing of credentials.
const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers);
  if (bearer) headers.set('authorization', `Bearer ${bearer}`);
  return fetch(input, { ...init, headers });
};

const audits = serverAudits({ url, fetchFn });
let failures = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status !== 'ok') {
    failures += 1;
    console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
  }
}
console.log(`${audits.length - failures} of ${audits.length} audits pass`);
process.exit(failures === 0 && audits.length > 0 ? 0 : 1);
