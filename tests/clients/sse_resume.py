#!/usr/bin/env python3
"""Follows events with httpx-sse over a line that is cut again and again, and compares with one uncut reading.

    sse_resume.py --url http://127.0.0.1:8080 --token-file TOKEN [--cuts 50] [--seed 1]

Between client and server stands a relay that breaks each connection after a random number of bytes: in the middle of an
event, of a line, of a head. The client connects again and says in `Last-Event-ID` which `id` it saw last, be it of an
event or of a block without data. Meanwhile projects are made, renamed and removed, so that events keep coming. After
so many cuts the events must be those that one uncut reading gives, each once and in the same order. Needs `httpx-sse`
from PyPI and nothing else. Ends with 0 when nothing is missing and nothing stands twice, with 1 otherwise, and says
why.
"""

import argparse
import random
import socket
import struct
import threading
import time
import urllib.parse

import httpx
import httpx_sse

# A connection is broken after so many bytes of the answer, its head included: from within the head to a few events.
BYTES_MIN, BYTES_MAX = 100, 4000
# The whole must end within so many seconds.
DEADLINE = 300


class Relay:
    """Passes connections on to the server, and breaks so many of them."""

    def __init__(self, server: str, cuts: int, chance: random.Random):
        parts = urllib.parse.urlsplit(server)
        self.server = (parts.hostname, parts.port)
        self.left = cuts
        self.chance = chance
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.server)
            threading.Thread(target=self.ask, args=(client, server), daemon=True).start()
            threading.Thread(target=self.answer, args=(client, server), daemon=True).start()

    def ask(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while piece := client.recv(1 << 16):
                server.sendall(piece)
        except OSError:
            pass  # The other direction ended it.

    def answer(self, client: socket.socket, server: socket.socket) -> None:
        cuts = self.left > 0
        room = self.chance.randint(BYTES_MIN, BYTES_MAX) if cuts else None
        try:
            while room != 0 and (piece := server.recv(1 << 16 if room is None else room)):
                client.sendall(piece)
                room = None if room is None else room - len(piece)
        except OSError:
            pass  # The client went away.
        if cuts:
            self.left -= 1
            # A broken line says no goodbye: half of the cuts are resets.
            if self.chance.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It is closed already.
            end.close()


class Client:
    """The API with a token, past any proxy."""

    def __init__(self, url: str, token: str):
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)
        self.last = None

    def command(self, method: str, path: str, **more) -> httpx.Response:
        answer = self.http.request(method, path, **more)
        if answer.is_error:
            raise SystemExit(f"{method} {path} answers {answer.status_code}: {answer.text}")
        return answer

    def project(self) -> int:
        """Makes a project, renames it and removes it: three events. The position of the last one."""
        made = self.command("POST", "/v1/projects", json={"name": "Autumn"})
        path = f"/v1/projects/{made.json()['id']}"
        named = self.command("PATCH", path, json={"name": "Winter"}, headers={"If-Match": made.headers["ETag"]})
        removed = self.command("DELETE", path, headers={"If-Match": named.headers["ETag"]})
        return int(removed.headers["Dragoman-Position"])

    def events(self, last: str):
        """The events after one, as long as the line holds."""
        with httpx_sse.connect_sse(self.http, "GET", "/v1/events", headers={"Last-Event-ID": last}) as source:
            source.response.raise_for_status()
            for event in source.iter_sse():
                self.last = event.id or self.last
                # What has no data is no event: where the stream begins, and signs of life.
                if event.data:
                    yield event.id, event.event, event.data


class Producer(threading.Thread):
    """Lets things happen until the line was cut often enough."""

    def __init__(self, client: Client, relay: Relay):
        super().__init__(daemon=True)
        self.client, self.relay, self.end = client, relay, None

    def run(self) -> None:
        while self.relay.left > 0:
            self.client.project()
            # About as fast as the client reads, so that it waits for events as often as they wait for it.
            time.sleep(0.005)
        self.end = self.client.project()
        # The client may have read that one before anybody knew that it is the last: it hears so with what follows.
        self.client.project()


def follow(client: Client, producer: Producer, start: int) -> list[tuple[str, str, str]]:
    """What arrives over the line that is cut."""
    seen, deadline = [], time.monotonic() + DEADLINE
    while True:
        try:
            for event in client.events(client.last or str(start)):
                seen.append(event)
                if producer.end is not None and int(event[0]) >= producer.end:
                    return seen
        except httpx.TransportError:
            pass  # The line was cut: on to the next connection.
        if time.monotonic() > deadline:
            raise SystemExit(f"no end after {DEADLINE} s, {producer.relay.left} cuts are left")
        if not producer.is_alive() and producer.end is None:
            raise SystemExit("no more events are made")


def uncut(client: Client, start: int, end: int) -> list[tuple[str, str, str]]:
    """What one reading gives."""
    seen = []
    for event in client.events(str(start)):
        if int(event[0]) > end:
            break
        seen.append(event)
        if int(event[0]) == end:
            break
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the token")
    parser.add_argument("--cuts", type=int, default=50, help="how often the line is cut")
    parser.add_argument("--seed", type=int, default=1, help="of the places")
    args = parser.parse_args()
    with open(args.token_file, encoding="utf-8") as file:
        token = file.read().strip()

    direct = Client(args.url, token)
    start = direct.project()
    relay = Relay(args.url, args.cuts, random.Random(args.seed))
    producer = Producer(direct, relay)
    producer.start()
    seen = follow(Client(relay.url, token), producer, start)
    seen = [event for event in seen if int(event[0]) <= producer.end]
    expected = uncut(Client(args.url, token), start, producer.end)
    if seen != expected:
        ids, wanted = [event[0] for event in seen], [event[0] for event in expected]
        missing, twice = sorted(set(wanted) - set(ids)), sorted({id for id in ids if ids.count(id) > 1})
        raise SystemExit(f"{len(seen)} events came, not {len(expected)}: missing {missing}, twice {twice}")
    print(f"{args.cuts} cuts, {len(seen)} events, each once and in order")


if __name__ == "__main__":
    main()
