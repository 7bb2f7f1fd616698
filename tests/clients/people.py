#!/usr/bin/env python3
"""Makes an account for each role, and what the fuzzer may take away from it.

    people.py --url http://127.0.0.1:8080 --token-file TOKEN --into FOLDER

Each account is invited, chooses a password with its link, signs in, and makes a key with all scopes. In FOLDER there is
then a folder for each role: `token` holds the key, `kept` the ids that must outlive the run, and the rest is
dictionaries that schemathesis draws from. Needs `httpx` from PyPI.
"""

import argparse
import pathlib
import secrets

from prepare import Api

ROLES = ("viewer", "reviewer", "creator", "admin")
SCOPES = (
    *("work:read", "work:write", "work:review", "results:read", "accounts:read", "accounts:write"),
    *("webhooks:read", "webhooks:write", "security:read", "operations:read"),
)
# Nothing is ever found at this name (RFC 2606): nobody is sent anything.
NOWHERE = "https://hooks.invalid/dragoman"


def invite(operator: Api, role: str) -> tuple[str, dict]:
    """Invites somebody: their address, and the answer."""
    email = f"{role}-{secrets.token_hex(4)}@example.org"
    return email, operator.ask("POST", "/v1/accounts", json={"email": email, "name": role.title(), "role": role})


def ticket_of(link: str) -> str:
    """What is redeemed of a link: it stands where browsers do not send it."""
    return link.rpartition("#")[2]


def redeem(api: Api, link: str) -> str:
    """Chooses a password with a link, and tells it."""
    password = secrets.token_urlsafe(24)
    api.send("POST", "/v1/auth/tickets/redeem", json={"ticket": ticket_of(link), "password": password})
    return password


def sign_in(api: Api, email: str, password: str) -> dict:
    """Signs in as OAuth 2.0 has it: a form."""
    form = {"grant_type": "password", "username": email, "password": password, "client_id": "test-clients"}
    return api.ask("POST", "/v1/auth/token", data=form)


def make_key(person: Api, name: str, scopes: tuple[str, ...] = SCOPES) -> dict:
    return person.ask("POST", "/v1/keys", json={"name": name, "scopes": list(scopes)})


def newcomer(operator: Api, role: str) -> tuple[str, str, Api]:
    """Somebody who has just signed in: their account, their address, and the API as they see it."""
    email, invited = invite(operator, role)
    tokens = sign_in(operator, email, redeem(operator, invited["link"]))
    return invited["id"], email, Api(str(operator.http.base_url), tokens["access_token"])


def spare_session(operator: Api, role: str) -> tuple[str, str, Api, str]:
    """Somebody who has signed in twice, and the session that can be done without."""
    email, invited = invite(operator, role)
    password = redeem(operator, invited["link"])
    tokens = [sign_in(operator, email, password)["access_token"] for _ in range(2)]
    person = Api(str(operator.http.base_url), tokens[0])
    sessions = person.ask("GET", "/v1/auth/sessions")["items"]
    spare = next(session["id"] for session in sessions if not session["current"])
    return invited["id"], email, person, spare


def of_installation(operator: Api) -> dict[str, str]:
    """A tenant and webhooks, for those who may see such things."""
    tenants = {}
    for name in ("tenant", "spare-tenant"):
        email = f"owner-{secrets.token_hex(4)}@example.org"
        tenant = {"name": "Elsewhere", "admin_email": email, "admin_name": "Owner"}
        tenants[name] = operator.ask("POST", "/v1/tenants", json=tenant)["id"]
    for name in ("webhook", "spare-webhook"):
        webhook = {"url": NOWHERE, "description": "To nobody", "events": ["project.*"]}
        tenants[name] = operator.ask("POST", "/v1/webhooks", json=webhook)["id"]
    return tenants


def prepare(operator: Api, role: str, shared: dict[str, str], kept: set[str], into: pathlib.Path) -> None:
    """What one role's run needs, in a folder of its own."""
    account, _, person, session = spare_session(operator, role)
    key, spare_key = make_key(person, "of the run"), make_key(person, "to be revoked", ("work:read",))
    _, stranger = invite(operator, "viewer")
    # The own account can be looked at, not be done away with.
    known = shared | {"account": account, "spare-account": stranger["id"]}
    known |= {"spare-key": spare_key["id"], "spare-session": session}
    into.mkdir()
    (into / "token").write_text(key["key"], encoding="utf-8")
    kept |= {account, key["id"]}
    for name, value in known.items():
        (into / f"{name}.dict").write_text(f'"{value}"\n', encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the operator's token")
    parser.add_argument("--into", required=True, type=pathlib.Path, help="where the folders are made")
    args = parser.parse_args()
    operator = Api(args.url, pathlib.Path(args.token_file).read_text(encoding="utf-8").strip())
    # The tenant in which all this happens: its quotas are not for the fuzzer.
    kept = {tenant["id"] for tenant in operator.ask("GET", "/v1/tenants")["items"]}
    shared = of_installation(operator)
    for role in ROLES:
        prepare(operator, role, shared, kept, args.into / role)
    for role in ROLES:
        (args.into / role / "kept").write_text("\n".join(sorted(kept)) + "\n", encoding="utf-8")
    print(f"{', '.join(ROLES)}: invited, signed in, each with a key")


if __name__ == "__main__":
    main()
