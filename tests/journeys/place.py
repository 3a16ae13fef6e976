"""A served city with everybody in it whom a client may be: residents, a doctor, two machines."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli.demo.city import outlines
from service.house import OUTLINES_FILE
from tests.journeys.server import Installation, install, serving
from tests.oidc_issuer import CLIENT, SECRET, Issuer, provider
from tests.walled_room import settings_of_logins


@dataclass(frozen=True)
class Place:
    """A served city, and who the operator let in."""

    url: str
    doctor: dict[str, Any]
    city: dict[str, Any]
    machine: dict[str, Any]
    release: str
    elsewhere: Issuer


@contextmanager
def served_place(folder: Path, dialect: str) -> Iterator[Place]:
    """On PostgreSQL the server and the commands sign in apart, each bound by wall 4."""
    with ExitStack() as stack:
        if dialect == "sqlite":
            stores = (f"sqlite:///{folder / 'kangma.db'}", f"sqlite:///{folder / 'keys.db'}")
            installed = install(folder, *stores)
        else:
            made = settings_of_logins(folder, stack)
            logins = {
                "KANGMA_OWNER_URL": made.owning_url,
                "KANGMA_OPERATOR_URL": made.desk_url,
            }
            installed = install(folder, made.data_store_url, made.keys_url, logins)
        yield stack.enter_context(_served(folder, installed))


@contextmanager
def _served(folder: Path, installed: Installation) -> Iterator[Place]:
    (folder / "data" / OUTLINES_FILE).write_text(json.dumps(outlines()), "utf-8")
    (folder / "secret").write_text(SECRET, "utf-8")
    with provider() as elsewhere:
        installed.environment |= {
            "KANGMA_OIDC_ISSUER": elsewhere.url,
            "KANGMA_OIDC_CLIENT_ID": CLIENT,
            "KANGMA_OIDC_CLIENT_SECRET_FILE": str(folder / "secret"),
        }
        with serving(installed) as made:
            yield _inhabited(made, elsewhere)


def _inhabited(made: Installation, elsewhere: Issuer) -> Place:
    doctor = made.kangma(
        "people", "add-doctor", "--login", "dr.zhou", "--name", "周医生", "--clinic", "河街卫生站"
    )
    made.kangma("people", "link-oidc", "--login", "dr.zhou", "--subject", elsewhere.account)
    city = made.kangma("people", "add-client", "--role", "city", "--name", "Cockpit")
    keyed = ("--role", "city", "--name", "Exchange", "--key", "generate")
    machine = made.kangma("people", "add-client", *keyed)
    release = made.kangma("releases", "publish", "--as-of", "2026-06-30")
    return Place(made.url, doctor, city, machine, release["release_id"], elsewhere)
