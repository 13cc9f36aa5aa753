// Makes three servers a replica set, once, and waits for its primary; then makes the gateway's user, or gives it the
// password of now. It signs in with the servers' own key: they let nobody in without a password, from nowhere.

const { readFileSync } = require('fs');

const SECONDS = 60;
const members = ['mongo1:27017', 'mongo2:27017', 'mongo3:27017'];
const key = encodeURIComponent(readFileSync('/database-keys/key', 'utf8').trim());
const pwd = readFileSync('/database-keys/password', 'utf8').trim();
const open = (hosts, option) =>
  connect(`mongodb://__system:${key}@${hosts}/admin?authSource=local&authMechanism=SCRAM-SHA-256&${option}`);

const first = open(members[0], 'directConnection=true');
try {
  first.runCommand({ replSetInitiate: { _id: 'rs0', members: members.map((host, _id) => ({ _id, host })) } });
  print('made the replica set rs0');
} catch (error) {
  if (error.codeName !== 'AlreadyInitialized') throw error;
}

for (let waited = 0; !first.hello().primary; waited += 1) {
  if (waited >= SECONDS) throw new Error(`the replica set rs0 has had no primary for ${SECONDS} seconds`);
  sleep(1000);
}
print(`the primary of the replica set rs0 is ${first.hello().primary}`);

const admin = open(members.join(','), 'replicaSet=rs0');
const user = { pwd, roles: ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'] };
const has = admin.runCommand({ usersInfo: 'gateway' }).users.length > 0;
admin.runCommand(has ? { updateUser: 'gateway', ...user } : { createUser: 'gateway', ...user });
print('the gateway may use the replica set rs0');
