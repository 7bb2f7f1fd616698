#!/usr/bin/env python3
"""Uploads a file with tuspy while the uploading process is killed again and again, and compares the bytes.

    tus_upload.py --url http://127.0.0.1:8080 --token-file TOKEN [--file FILM] [--cuts 50] [--seed 1]

Each process begins with what tuspy remembers of the upload: its URL, in a file. It asks for the offset (HEAD) and goes
on there. It is killed (SIGKILL) at random moments, until so many processes have died; then one goes on to the end. The
asset's SHA-256, as the server tells it, must be that of the file. Needs `tuspy` from PyPI and nothing else; without
--file, a file of random bytes is made. Ends with 0 when the bytes are equal, with 1 otherwise, and says why.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CHUNK = 256 << 10
# Bytes of the file that is made: enough that a process takes a moment.
SIZE = 48 << 20
# A process that is killed lives so long at most, in seconds, once it uploads.
LIFE_MAX = 0.25
# The whole must end within so many seconds.
DEADLINE = 600


def upload(url: str, token: str, file: str, store: str) -> None:
    """Goes on with the upload, to its end unless somebody kills this process."""
    from tusclient import client as tus
    from tusclient.exceptions import TusCommunicationError
    from tusclient.storage.filestorage import FileStorage

    client = tus.TusClient(url + "/v1/uploads", headers={"Authorization": f"Bearer {token}"})
    storage = FileStorage(store)
    print("begun", flush=True)
    for pause in [0.05] * 100:
        try:
            uploader = client.uploader(
                file,
                chunk_size=CHUNK,
                metadata={"filename": "random.mp4", "filetype": "video/mp4"},
                store_url=True,
                url_storage=storage,
                upload_checksum=False,
            )
            uploader.upload()
            break
        except TusCommunicationError as error:
            # Of a process that was just killed, the last bytes may still be on their way to the disk.
            if error.status_code not in (409, 423):
                raise
            time.sleep(pause)
    else:
        raise SystemExit("the upload stays locked")
    print(json.dumps({"url": uploader.url}), flush=True)


def child(args: argparse.Namespace, file: str, store: str) -> subprocess.Popen:
    command = [sys.executable, __file__, "--upload", "--url", args.url, "--token-file", args.token_file]
    command += ["--file", file, "--store", store]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def request(method: str, url: str, token: str):
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, method=method, headers=headers), timeout=60)


def asset_of(base: str, upload_url: str, token: str) -> dict:
    """The asset that the upload became; one that was put aside is told by its problem."""
    with request("HEAD", upload_url, token) as head:
        path = head.headers["Dragoman-Asset"]
    if path is None:
        raise SystemExit("the upload is complete, but HEAD names no asset")
    try:
        with request("GET", base + path, token) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as problem:
        document = json.load(problem)
        if problem.code in (415, 422) and "asset" in document:
            return document["asset"]
        raise SystemExit(f"the asset answers {problem.code}: {document.get('code')}") from problem


def cut(args: argparse.Namespace, file: str, folder: str, chance: random.Random) -> tuple[int, str]:
    """Kills uploading processes until so many have died, then lets one end: how many died, and the upload's URL.

    An upload that ends although its process was to be killed counts as whole; the next process begins another one.
    """
    deaths, uploads = 0, 0
    deadline = time.monotonic() + DEADLINE
    while True:
        if time.monotonic() > deadline:
            raise SystemExit(f"no end after {DEADLINE} s and {deaths} cuts")
        store = os.path.join(folder, f"urls-{uploads}.json")
        process = child(args, file, store)
        if process.stdout.readline().strip() != "begun":
            raise SystemExit("an uploading process did not begin")
        if deaths < args.cuts:
            time.sleep(chance.uniform(0, LIFE_MAX))
            process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=DEADLINE)
        if process.returncode == -signal.SIGKILL:
            deaths += 1
            continue
        if process.returncode != 0:
            raise SystemExit(f"an uploading process failed with {process.returncode}")
        url = json.loads(output.splitlines()[-1])["url"]
        if deaths >= args.cuts:
            return deaths, url
        check(args, file, url)
        uploads += 1


def check(args: argparse.Namespace, file: str, url: str) -> None:
    with open(file, "rb") as content:
        expected = hashlib.file_digest(content, "sha256").hexdigest()
    asset = asset_of(args.url, url, args.token)
    if (asset["sha256"], asset["bytes"]) != (expected, os.path.getsize(file)):
        raise SystemExit(f"other bytes arrived: {asset['bytes']} of SHA-256 {asset['sha256']}, not {expected}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the token")
    parser.add_argument("--file", help="what to upload")
    parser.add_argument("--cuts", type=int, default=50, help="how many processes are killed")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--upload", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    args = parser.parse_args()
    with open(args.token_file, encoding="utf-8") as token:
        args.token = token.read().strip()
    if args.upload:
        upload(args.url, args.token, args.file, args.store)
        return
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        file = args.file
        if file is None:
            file = os.path.join(folder, "random.mp4")
            with open(file, "wb") as made:
                made.write(chance.randbytes(SIZE))
        deaths, url = cut(args, file, folder, chance)
        check(args, file, url)
    print(f"{deaths} cuts, byte for byte equal")


if __name__ == "__main__":
    main()
