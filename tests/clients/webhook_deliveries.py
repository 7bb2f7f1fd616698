#!/usr/bin/env python3
"""Receives deliveries of webhooks, and verifies them with `standardwebhooks` from PyPI or from npm.

    webhook_deliveries.py --url http://127.0.0.1:8080 --token-file TOKEN [--npm FOLDER]

A receiver listens, a webhook leads to it, and a project is made, renamed and removed, before and after its secret is
rotated. Each delivery must verify as it is, and must not with another position in its body; they must be those of the
events, in order, and the server must know them as delivered. While a secret is being replaced, the old one and the new
one must both verify. With `--npm`, the receiver is `webhook_receiver.mjs`, and FOLDER is where npm has installed the
package. Needs `standardwebhooks` and `httpx` from PyPI.
"""

import argparse
import http.server
import json
import pathlib
import queue
import re
import subprocess
import threading
import time

import standardwebhooks

from prepare import Api

EVENTS = ["project.created", "project.renamed", "project.removed"]
# Deliveries must be there within so many seconds.
DEADLINE = 30


class PythonReceiver:
    """A server that verifies what it gets with every secret that it knows."""

    def __init__(self) -> None:
        self.said = queue.Queue()
        self.secrets = queue.Queue()
        self.webhooks = []
        self.turn = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                said = outer.judge(body, dict(self.headers))
                outer.said.put(said)
                self.send_response(204 if said["verified"] else 400)
                self.end_headers()

            def log_message(self, *_said) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def know(self, secret: str) -> None:
        self.secrets.put(secret)

    def judge(self, body: str, headers: dict[str, str]) -> dict:
        """A delivery may come before its secret is known here: it waits."""
        with self.turn:
            while not self.webhooks or not self.secrets.empty():
                self.webhooks.append(standardwebhooks.Webhook(self.secrets.get(timeout=DEADLINE)))
            told = [verified(webhook, body, headers) for webhook in self.webhooks]
            forged = [verified(webhook, tampered(body), headers) for webhook in self.webhooks]
        holds = [said is not None for said in told]
        said = {"id": headers.get("webhook-id"), "verified": all(holds), "refused": not any(forged)}
        return said | {"body": json.loads(body)}

    def close(self) -> None:
        self.server.shutdown()


class NpmReceiver:
    """`webhook_receiver.mjs`, which knows one secret."""

    def __init__(self, folder: pathlib.Path) -> None:
        script = pathlib.Path(__file__).with_name("webhook_receiver.mjs")
        command = ["node", str(script), str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.said = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        self.is_told = False

    def listen(self) -> None:
        for line in self.process.stdout:
            self.said.put(json.loads(line))

    def know(self, secret: str) -> None:
        """Only the first one: it verifies what is signed with both."""
        if not self.is_told:
            self.process.stdin.write(secret + "\n")
            self.process.stdin.flush()
        self.is_told = True

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def verified(webhook: standardwebhooks.Webhook, body: str, headers: dict[str, str]) -> dict | None:
    try:
        return webhook.verify(body, headers)
    except standardwebhooks.WebhookVerificationError:
        return None


def tampered(body: str) -> str:
    """With another position; a body without one stays, so that its forgery is not refused."""
    return re.sub(r'"position":(\d)', lambda found: f'"position":{int(found[1]) % 9 + 1}', body)


def expect(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(what)


def project(api: Api) -> str:
    """Makes a project, renames it and removes it: three events."""
    made = api.ask("POST", "/v1/projects", json={"name": "Autumn"})["id"]
    path, always = f"/v1/projects/{made}", {"If-Match": "*"}
    api.send("PATCH", path, json={"name": "Winter"}, headers=always)
    api.send("DELETE", path, headers=always)
    return made


def check_deliveries(api: Api, receiver: PythonReceiver | NpmReceiver, webhook: str, before: list[str]) -> list[str]:
    """What one project causes; the ids of all deliveries so far, which must all be known as delivered."""
    about = project(api)
    try:
        said = [receiver.said.get(timeout=DEADLINE) for _ in EVENTS]
    except queue.Empty:
        raise SystemExit(f"deliveries are missing after {DEADLINE} s") from None
    for one in said:
        expect(one["verified"], f"{one['id']} does not verify")
        expect(one["refused"], f"{one['id']} verifies when it was tampered with")
        expect(one["body"]["data"]["project"] == about, f"{one['id']} is about something else")
    kinds = [one["body"]["type"] for one in said]
    expect(kinds == EVENTS, f"delivered were {kinds}")
    positions = [one["body"]["data"]["position"] for one in said]
    expect(positions == sorted(positions), f"in the order {positions}")
    ids = before + [one["id"] for one in said]
    deadline = time.monotonic() + DEADLINE
    while (known := delivered(api, webhook)) != ids and time.monotonic() < deadline:
        time.sleep(0.05)
    expect(known == ids, f"the server knows {len(known)} as delivered, not these {len(ids)}")
    return ids


def delivered(api: Api, webhook: str) -> list[str]:
    """Oldest first."""
    items = api.ask("GET", f"/v1/webhooks/{webhook}/deliveries", params={"state": "delivered"})["items"]
    return [item["id"] for item in reversed(items)]


def check(api: Api, receiver: PythonReceiver | NpmReceiver) -> int:
    """All that happens to one webhook."""
    target = {"url": f"http://127.0.0.1:{receiver.port}/hook", "description": "A test", "events": ["project.*"]}
    made = api.ask("POST", "/v1/webhooks", json=target)
    webhook = made["id"]
    receiver.know(made["secret"])
    ids = check_deliveries(api, receiver, webhook, [])
    rotated = api.ask("POST", f"/v1/webhooks/{webhook}/rotate-secret")
    expect(rotated["secret"] != made["secret"], "the secret was not rotated")
    receiver.know(rotated["secret"])
    ids = check_deliveries(api, receiver, webhook, ids)
    shown = api.send("GET", f"/v1/webhooks/{webhook}").text
    expect("whsec_" not in shown, "a secret is shown more than once")
    api.send("DELETE", f"/v1/webhooks/{webhook}", headers={"If-Match": "*"})
    expect(len(set(ids)) == len(ids), "two deliveries have one id")
    expect(receiver.said.empty(), "there were more deliveries than events")
    return len(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the operator's token")
    parser.add_argument("--npm", type=pathlib.Path, help="where npm has installed the package; PyPI's without it")
    args = parser.parse_args()
    api = Api(args.url, pathlib.Path(args.token_file).read_text(encoding="utf-8").strip())
    receiver = PythonReceiver() if args.npm is None else NpmReceiver(args.npm)
    try:
        count = check(api, receiver)
    finally:
        receiver.close()
    print(f"{count} deliveries verified, as many forgeries refused; old and new secret both good for a while")


if __name__ == "__main__":
    main()
