// Makes three servers a replica set, once, and waits for its primary. At every later start it only waits.

const SECONDS = 60;
const members = ['mongo1:27017', 'mongo2:27017', 'mongo3:27017'];
const admin = connect(`mongodb://${members[0]}/admin?directConnection=true`);

try {
  admin.runCommand({ replSetInitiate: { _id: 'rs0', members: members.map((host, _id) => ({ _id, host })) } });
  print('made the replica set rs0');
} catch (error) {
  if (error.codeName !== 'AlreadyInitialized') throw error;
}

for (let waited = 0; !admin.hello().primary; waited += 1) {
  if (waited >= SECONDS) throw new Error(`the replica set rs0 has had no primary for ${SECONDS} seconds`);
  sleep(1000);
}
print(`the primary of the replica set rs0 is ${admin.hello().primary}`);
