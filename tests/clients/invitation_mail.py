#!/usr/bin/env python3
"""Invites somebody by mail, and takes the link out of the mail that arrives.

    invitation_mail.py --url http://127.0.0.1:8080 --token-file TOKEN --mails FOLDER

`mail_sink.py` keeps the mails in FOLDER. Where mail is sent, the API must not tell the link; the link in the mail must
work, and once; and whoever forgot the password must get another one. Needs `httpx` from PyPI.
"""

import argparse
import email
import email.message
import email.policy
import pathlib
import re
import time

from people import invite, redeem, sign_in, ticket_of
from prepare import Api

# A mail must be there within so many seconds.
DEADLINE = 30


def mails_to(address: str, folder: pathlib.Path) -> list[email.message.EmailMessage]:
    """Oldest first."""
    found = sorted(folder.glob("*.eml"), key=lambda path: int(path.stem))
    mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in found]
    return [mail for mail in mails if mail["X-Recipient"] == address]


def link_for(address: str, folder: pathlib.Path, count: int, base: str) -> str:
    """The link in the newest of so many mails to somebody, once they are there."""
    deadline = time.monotonic() + DEADLINE
    while len(mails := mails_to(address, folder)) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(mails)} of {count} mails arrived within {DEADLINE} s")
        time.sleep(0.05)
    expect(len(mails) == count, f"{len(mails)} mails arrived, not {count}")
    mail = mails[-1]
    expect(mail["To"] == address and mail["From"] == "Dragoman <dub@example.org>", f"{mail['From']} to {mail['To']}")
    links = re.findall(r"https?://\S+", mail.get_content())
    expect(len(links) == 1 and links[0].startswith(f"{base}/welcome#"), f"the mail holds {len(links)} links")
    return links[0]


def expect(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(what)


def check_used(api: Api, link: str) -> None:
    """A link that was used is none."""
    ticket = {"ticket": ticket_of(link), "password": "sun-harbour-violin-71"}
    answer = api.http.post("/v1/auth/tickets/redeem", json=ticket)
    expect(answer.status_code == 400, f"a link that was used answers {answer.status_code}")


def check_invitation(operator: Api, mails: pathlib.Path, base: str) -> str:
    """From the invitation to the first sign-in; whose it was."""
    address, invited = invite(operator, "reviewer")
    expect(invited["sent"] is True and "link" not in invited, f"the answer holds {sorted(invited)}")
    link = link_for(address, mails, 1, base)
    page = operator.http.get(link.partition("#")[0])
    expect(page.status_code == 200 and "text/html" in page.headers["Content-Type"], "the link leads to no page")
    password = redeem(operator, link)
    expect(sign_in(operator, address, password)["role"] == "reviewer", "they signed in as something else")
    check_used(operator, link)
    expect(sign_in(operator, address, password)["role"] == "reviewer", "the link that was used changed the password")
    return address


def check_reset(operator: Api, mails: pathlib.Path, base: str, address: str) -> None:
    """A link for another password, and nothing for whom nobody knows."""
    for asked in (address, "nobody@example.org"):
        answer = operator.send("POST", "/v1/auth/password-resets", json={"email": asked})
        expect(answer.status_code == 202, f"answered with {answer.status_code}")
    link = link_for(address, mails, 2, base)
    expect(sign_in(operator, address, redeem(operator, link))["role"] == "reviewer", "the new password is none")
    check_used(operator, link)
    expect(not mails_to("nobody@example.org", mails), "mail went to somebody who has no account")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server listens")
    parser.add_argument("--token-file", required=True, help="the file with the operator's token")
    parser.add_argument("--mails", required=True, type=pathlib.Path, help="where the sink keeps mails")
    args = parser.parse_args()
    operator = Api(args.url, pathlib.Path(args.token_file).read_text(encoding="utf-8").strip())
    address = check_invitation(operator, args.mails, args.url)
    check_reset(operator, args.mails, args.url, address)
    print("invited and helped by mail; each link worked once")


if __name__ == "__main__":
    main()
