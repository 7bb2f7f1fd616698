// Receives deliveries and verifies them with `standardwebhooks` from npm, until its input ends.
//
//     node webhook_receiver.mjs FOLDER
//
// FOLDER is where npm has installed the package. Says its port on the first line; takes the secret from the first line of
// its input; then says of each delivery what it was, as JSON on a line.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Webhook } = createRequire(`${process.argv[2]}/package.json`)("standardwebhooks");

const lines = createInterface({ input: process.stdin });
const secret = new Promise((known) => lines.once("line", known));

function holds(webhook, body, headers) {
  try {
    return webhook.verify(body, headers);
  } catch {
    return undefined;
  }
}

async function receive(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString("utf8");
  const webhook = new Webhook(await secret);
  const told = holds(webhook, body, request.headers);
  const tampered = body.replace(/"position":(\d)/, (_, digit) => `"position":${(Number(digit) % 9) + 1}`);
  const isRefused = tampered !== body && holds(webhook, tampered, request.headers) === undefined;
  const said = { id: request.headers["webhook-id"], verified: told !== undefined, refused: isRefused, body: told };
  console.log(JSON.stringify(said));
  response.writeHead(told === undefined ? 400 : 204).end();
}

const server = createServer((request, response) => void receive(request, response));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
lines.once("close", () => process.exit(0));
