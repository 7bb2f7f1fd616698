#!/usr/bin/env python3
"""Signs people in at an outside OpenID Connect issuer, and shows what they get to the server.

    outside_issuer.py --url http://127.0.0.1:8080 --issuer http://127.0.0.1:9400

The issuer is `oidc-provider-mock`; the server takes its tokens for the audience `dragoman`, with `dub-makers` in the
claim `groups` as creators and `dub-readers` as viewers. Each signs in with an authorization code, as browsers do. Needs
`httpx` from PyPI.
"""

import argparse
import secrets
import urllib.parse

import httpx

from prepare import Api

CLIENT = "dragoman"
# Where browsers would be sent; nobody goes there.
BACK = "http://127.0.0.1:1/back"


class Issuer:
    """The issuer, found by its discovery document."""

    def __init__(self, url: str):
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.found = self.http.get("/.well-known/openid-configuration").raise_for_status().json()

    def know(self, subject: str, claims: dict) -> None:
        self.http.put(f"/users/{subject}", json=claims).raise_for_status()

    def sign_in(self, subject: str) -> dict:
        """The tokens that somebody gets: a page is filled in, a code comes back, the code is exchanged."""
        asked = {"response_type": "code", "client_id": CLIENT, "redirect_uri": BACK, "state": secrets.token_hex(8)}
        asked |= {"scope": "openid profile email", "nonce": secrets.token_hex(8)}
        page = self.found["authorization_endpoint"]
        self.http.get(page, params=asked).raise_for_status()
        sent_back = self.http.post(page, params=asked, data={"sub": subject})
        answer = urllib.parse.parse_qs(urllib.parse.urlsplit(sent_back.headers["Location"]).query)
        expect(answer["state"] == [asked["state"]], "the issuer answers somebody else")
        code = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": BACK}
        tokens = self.http.post(self.found["token_endpoint"], data=code, auth=(CLIENT, "any"))
        return tokens.raise_for_status().json()


def expect(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(what)


def status(url: str, token: str, method: str = "GET", path: str = "/v1/account", **more) -> int:
    return Api(url, token).http.request(method, path, **more).status_code


def check_roles(url: str, issuer: Issuer) -> str:
    """Who has a role at the issuer has one here; a token of somebody."""
    people = {"ada": ("dub-makers", "creator", 201), "ben": ("dub-readers", "viewer", 403)}
    for subject, (group, role, may_make) in people.items():
        claims = {"email": f"{subject}@example.org", "email_verified": True, "name": subject.title()}
        issuer.know(subject, claims | {"groups": ["everybody", group]})
        token = issuer.sign_in(subject)["id_token"]
        account = Api(url, token).ask("GET", "/v1/account")
        shown = (account["origin"], account["role"], account["state"], account["email"])
        expect(shown == ("issuer", role, "active", claims["email"]), f"{subject} is {shown}")
        made = status(url, token, "POST", "/v1/projects", json={"name": "Autumn"})
        expect(made == may_make, f"a {role} makes a project: {made}")
        # The account is theirs, whenever they come.
        again = Api(url, issuer.sign_in(subject)["id_token"]).ask("GET", "/v1/account")
        expect(again["id"] == account["id"], f"{subject} has two accounts")
    return token


def check_refusals(url: str, issuer: Issuer, good: str) -> None:
    """Who has none of the roles, what is no such token, and what was tampered with."""
    issuer.know("eve", {"email": "eve@example.org", "groups": ["everybody"]})
    eve = issuer.sign_in("eve")
    head, body, signature = good.split(".")
    other = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    tokens = {"without a role": eve["id_token"], "opaque": eve["access_token"]}
    tokens["tampered with"] = ".".join((head, body, other))
    for name, token in tokens.items():
        answered = status(url, token)
        expect(answered in (401, 403), f"a token {name} is answered with {answered}")


def check_role_change(url: str, issuer: Issuer) -> None:
    """Another role at the issuer is another role here, with the next token."""
    issuer.know("ben", {"email": "ben@example.org", "groups": ["dub-makers", "dub-readers"]})
    role = Api(url, issuer.sign_in("ben")["id_token"]).ask("GET", "/v1/account")["role"]
    expect(role == "creator", f"the highest role is {role}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--issuer", required=True, help="where the issuer listens")
    args = parser.parse_args()
    issuer = Issuer(args.issuer)
    check_refusals(args.url, issuer, check_roles(args.url, issuer))
    check_role_change(args.url, issuer)
    print("two signed in and have their roles; three others refused")


if __name__ == "__main__":
    main()
