"""`kangma releases trust` and `pull`: the releases of other publishers."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.files import FileRefused
from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.releases.nodes import pull as pulls
from service.releases.nodes import trust as trusts
from service.releases.nodes.credentials import NO_CREDENTIAL, Credential
from service.releases.nodes.line import line
from service.releases.nodes.trust import BAD_KEY

MOST = 1 << 16
"""Bytes of a file with a key or a credential."""
Name = Annotated[str, typer.Argument(help="What to call the node here.")]
Url = Annotated[str, typer.Argument(help="Its address: https, without a path.")]
KeyFile = Annotated[
    Path, typer.Option("--key", help="Its public key (JWK), from a hand you trust.")
]
Where = Annotated[str, typer.Argument(metavar="URL", help="Address or name of a trusted node.")]
ClientId = Annotated[str, typer.Option("--client", help="Id of a city machine client there.")]
Secret = Annotated[
    Path, typer.Option("--secret", help="File with that client's private JWK or its secret.")
]


def trust(name: Name, url: Url, key: KeyFile, json: Json = False) -> None:
    """Pin the key another node signs its releases with; a second one is added beside it."""
    try:
        content = key.read_bytes()[:MOST]
    except OSError:
        raise FileRefused(BAD_KEY) from None
    with open_house() as house:
        made = house.db.write(
            lambda connection: trusts.trust(
                connection, name=name, url=url, key=content, now=house.clock()
            )
        )
        answer({"node": made.node, "kid": made.kid}, as_json=json)


def pull(where: Where, client: ClientId, secret: Secret, json: Json = False) -> None:
    """Fetch what another node published since the last pull, check it, and keep it once."""
    try:
        credential = Credential.read(client, secret.read_text("utf-8")[:MOST])
    except (OSError, UnicodeDecodeError):
        raise FileRefused(NO_CREDENTIAL) from None
    with open_house() as house:
        node = pulls.find(house.db, where)
        with line(node, credential) as connected:
            pulled = pulls.pull(house.db, node, connected, house.clock())
        answer(pulled._asdict(), as_json=json)
