// Calls actions of the reference's client for Node.js, which is not changed. Reads {endpoint, id, secret, sign, calls} from
// its input, and prints an answer a call: {answer} or {code, message, requestId}.
"use strict";
const { Client } = require("tencentcloud-sdk-nodejs-ses").ses.v20201002;

async function main() {
  const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const client = new Client({
    credential: { secretId: given.id, secretKey: given.secret },
    region: "ap-guangzhou",
    profile: {
      signMethod: given.sign,
      httpProfile: { protocol: "http://", endpoint: given.endpoint, reqMethod: given.method, reqTimeout: 30 },
    },
  });
  const answers = [];
  for (const [action, fields] of given.calls) {
    try {
      answers.push({ answer: await client[action](fields) });
    } catch (problem) {
      answers.push({ code: problem.code, message: problem.message, requestId: problem.requestId });
    }
  }
  process.stdout.write(JSON.stringify(answers));
}

main();
