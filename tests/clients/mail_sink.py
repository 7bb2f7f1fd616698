#!/usr/bin/env python3
"""Takes every mail and keeps it in a folder, one file each, until it is ended.

    mail_sink.py --into FOLDER

Says its port on the first line. Needs `aiosmtpd` from PyPI.
"""

import argparse
import asyncio
import itertools
import pathlib

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """Writes each mail under another name first, so that nobody reads half of one."""

    def __init__(self, into: pathlib.Path):
        self.into = into
        self.numbers = itertools.count(1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        part = self.into / f"{next(self.numbers)}.part"
        recipients = "".join(f"X-Recipient: {recipient}\r\n" for recipient in envelope.rcpt_tos)
        part.write_bytes(recipients.encode() + envelope.original_content)
        part.rename(part.with_suffix(".eml"))
        return "250 OK"


async def serve(into: pathlib.Path) -> None:
    sink = Sink(into)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: SMTP(sink, hostname="sink.invalid"), "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", required=True, type=pathlib.Path, help="where the mails are kept")
    asyncio.run(serve(parser.parse_args().into))


if __name__ == "__main__":
    main()
