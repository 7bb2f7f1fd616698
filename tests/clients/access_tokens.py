#!/usr/bin/env python3
"""Verifies an access token with PyJWT and with joserfc, by the keys that the server publishes.

    access_tokens.py --url http://127.0.0.1:8080 --token-file TOKEN

Somebody is invited and signs in. Both packages must find the token's key in `/.well-known/jwks.json`, and the token must
be what RFC 9068 asks for. One that was tampered with, or that is meant for somebody else, must be refused by both; by
the server, too. Needs `pyjwt[crypto]`, `joserfc` and `httpx` from PyPI.
"""

import argparse
import base64
import json
import pathlib
import uuid
import warnings

import joserfc.errors
import joserfc.jwk
import joserfc.jwt
import jwt
from joserfc.errors import SecurityWarning

from people import newcomer
from prepare import Api

KEYS = "/.well-known/jwks.json"
ALGORITHMS = ["EdDSA"]
CLAIMS = ("iss", "aud", "sub", "client_id", "iat", "nbf", "exp", "jti")
OURS = ("tenant", "role", "sid")
# An access token is short-lived: seconds.
LIFETIME_MAX = 600


def part(encoded: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def encoded(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def forgeries(token: str) -> dict[str, str]:
    """The token, changed in ways that its signature must not bear."""
    head, body, signature = token.split(".")
    other = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    changed = {
        "another role": (head, encoded(part(body) | {"role": "admin"}), signature),
        "a later end": (head, encoded(part(body) | {"exp": part(body)["exp"] + 3600}), signature),
        "another signature": (head, body, other),
        "no signature": (encoded(part(head) | {"alg": "none"}), body, ""),
    }
    return {name: ".".join(parts) for name, parts in changed.items()}


def by_pyjwt(url: str, token: str, audience: str) -> dict:
    key = jwt.PyJWKClient(url + KEYS).get_signing_key_from_jwt(token)
    options = {"require": list(CLAIMS)}
    return jwt.decode(token, key, algorithms=ALGORITHMS, audience=audience, issuer=url, options=options)


def by_joserfc(keys: dict, url: str, token: str, audience: str) -> dict:
    found = joserfc.jwt.decode(token, joserfc.jwk.KeySet.import_key_set(keys), algorithms=ALGORITHMS)
    wanted = {name: {"essential": True} for name in CLAIMS}
    wanted |= {"iss": {"essential": True, "value": url}, "aud": {"essential": True, "value": audience}}
    joserfc.jwt.JWTClaimsRegistry(**wanted).validate(found.claims)
    return found.claims


def expect(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(what)


def check_claims(token: str, claims: dict, account: str) -> None:
    head = part(token.split(".")[0])
    expect(head["typ"] == "at+jwt" and head["alg"] == "EdDSA", f"its head is {head}")
    missing = [name for name in CLAIMS + OURS if name not in claims]
    expect(not missing, f"without {missing}")
    expect(claims["sub"] == account, f"it is about {claims['sub']}, not {account}")
    expect((claims["tenant"], claims["role"]) == ("local", "creator"), f"{claims['role']} of {claims['tenant']}")
    expect(claims["client_id"] == "test-clients", f"for the client {claims['client_id']}")
    expect(0 < claims["exp"] - claims["iat"] <= LIFETIME_MAX, f"from {claims['iat']} to {claims['exp']}")
    uuid.UUID(claims["jti"])
    uuid.UUID(claims["sid"])


def check_refusals(api: Api, url: str, keys: dict, token: str) -> int:
    """Nobody takes a token that was tampered with, or that is meant for somebody else."""
    tried = {name: (forged, url) for name, forged in forgeries(token).items()}
    tried["another audience"] = (token, "https://elsewhere.example")
    for name, (forged, audience) in tried.items():
        for verify in (by_pyjwt, lambda *asked: by_joserfc(keys, *asked)):
            try:
                verify(url, forged, audience)
            except (jwt.InvalidTokenError, joserfc.errors.JoseError):
                continue
            raise SystemExit(f"a token with {name} is taken for one of ours")
        if forged != token:
            answer = api.http.get("/v1/account", headers={"Authorization": f"Bearer {forged}"})
            expect(answer.status_code == 401, f"the server answers {answer.status_code} to {name}")
    return len(tried)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the operator's token")
    args = parser.parse_args()
    # RFC 9864 has a newer name for the algorithm, `Ed25519`, which PyJWT and others do not know yet.
    warnings.simplefilter("ignore", SecurityWarning)
    operator = Api(args.url, pathlib.Path(args.token_file).read_text(encoding="utf-8").strip())
    account, _, person = newcomer(operator, "creator")
    token = person.http.headers["Authorization"].removeprefix("Bearer ")
    keys = operator.ask("GET", KEYS)
    private = [name for key in keys["keys"] for name in key if name in ("d", "k", "p", "q")]
    expect(not private, f"the published keys hold {private}")
    claims = by_pyjwt(args.url, token, args.url)
    expect(claims == by_joserfc(keys, args.url, token, args.url), "two packages read different claims")
    check_claims(token, claims, account)
    expect(person.ask("GET", "/v1/account")["id"] == account, "the token opens another account")
    refused = check_refusals(person, args.url, keys, token)
    print(f"verified by {len(keys['keys'])} published key(s), twice; {refused} others refused")


if __name__ == "__main__":
    main()
