#!/usr/bin/env python3
"""Hands in a recording and has it dubbed, so that there is something to ask about.

    prepare.py --url http://127.0.0.1:8080 --token-file TOKEN --recording SPEECH.wav --into FOLDER

Writes the ids into FOLDER, one file each, as dictionaries that schemathesis draws from: `asset`, `dubbing`, `glossary`,
`project`, `upload`; and of each a spare one, to be removed or called off. Ends with 1 when a dubbing does not come to
its end. Needs `httpx` from PyPI.
"""

import argparse
import pathlib
import time

import httpx

# Each thing must be ready within so many seconds.
DEADLINE = 120
TRANSCRIPT = """1
00:00:00,100 --> 00:00:01,500
The engine is ready.

2
00:00:01,700 --> 00:00:03,000
We go to the moon.
"""


class Api:
    """The server, as far as it is needed here."""

    def __init__(self, url: str, token: str):
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def send(self, method: str, path: str, **more) -> httpx.Response:
        answer = self.http.request(method, path, **more)
        if answer.is_error:
            raise SystemExit(f"{method} {path} answers {answer.status_code}: {answer.text}")
        return answer

    def ask(self, method: str, path: str, **more) -> dict:
        return self.send(method, path, **more).json()

    def wait(self, path: str, waiting: set[str], state: str) -> None:
        """Waits until something has a state."""
        deadline = time.monotonic() + DEADLINE
        while (found := self.ask("GET", path)["state"]) in waiting:
            if time.monotonic() > deadline:
                raise SystemExit(f"{path} is still {found} after {DEADLINE} s")
            time.sleep(0.2)
        if found != state:
            raise SystemExit(f"{path} is {found}")


def prepare(api: Api, recording: pathlib.Path) -> dict[str, str]:
    with recording.open("rb") as content:
        asset = api.ask("POST", "/v1/assets", files={"file": ("speech.wav", content, "audio/wav")})["id"]
    api.wait(f"/v1/assets/{asset}", {"uploaded"}, "ready")
    project = api.ask("POST", "/v1/projects", json={"name": "Autumn"})["id"]
    terms = [{"source": "engine", "target": "motor"}]
    glossary = api.ask("POST", "/v1/glossaries", json={"name": "Motors", "terms": terms})["id"]
    order = {"asset": asset, "project": project, "target_languages": ["es"]}
    order |= {"glossary": {"id": glossary}, "transcript": {"text": TRANSCRIPT}}
    dubbing = api.ask("POST", "/v1/dubbings", json=order)["id"]
    api.wait(f"/v1/dubbings/{dubbing}", {"queued", "preparing", "processing"}, "completed")
    begin = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}
    upload = api.send("POST", "/v1/uploads", headers=begin).headers["Location"].rpartition("/")[2]
    return {"asset": asset, "dubbing": dubbing, "glossary": glossary, "project": project, "upload": upload}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the token")
    parser.add_argument("--recording", required=True, type=pathlib.Path, help="what is handed in: speech, as WAV")
    parser.add_argument("--into", required=True, type=pathlib.Path, help="where the ids are written")
    args = parser.parse_args()
    token = pathlib.Path(args.token_file).read_text(encoding="utf-8").strip()
    api = Api(args.url, token)
    for prefix in ("", "spare-"):
        for name, known in prepare(api, args.recording).items():
            (args.into / f"{prefix}{name}.dict").write_text(f'"{known}"\n', encoding="utf-8")


if __name__ == "__main__":
    main()
