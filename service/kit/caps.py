"""How much of a thing one person may have. One table, so that nothing grows without a bound unseen.

Records and samples are what the service is for and have no cap; what a call may carry, and how many
of them an answer shows, is bounded elsewhere. docs/operations.md shows these numbers, and a test
holds it against them.
"""

from typing import Literal, NamedTuple

from consent.vocabulary import Text
from service.kit.errors import Conflict

CODE = "too-many"
Thing = Literal[
    "grants",
    "grants-kept",
    "requests",
    "appeals",
    "appeals-kept",
    "children",
    "guardians",
    "passkeys",
    "sign-ins",
]


class Cap(NamedTuple):
    """`most` is reached and never passed; `sentence` says what can be done about it."""

    most: int
    sentence: Text


CAPS: dict[Thing, Cap] = {
    # Each one in force costs the panel of whom it names.
    "grants": Cap(
        500,
        Text(
            "授权数量已达上限，请先撤回不再需要的授权。",
            "You have given as many grants as can be. Withdraw some that you no longer need.",
        ),
    ),
    # Withdrawn ones stay for receipts and for replaying the past.
    "grants-kept": Cap(
        5_000,
        Text(
            "授权记录已达上限。如需拒绝所有人，请使用“全部拒绝”。",
            "As many grants were given and withdrawn as can be kept. To shut everybody out, refuse"
            " all.",
        ),
    ),
    "requests": Cap(
        50,
        Text(
            "居民待答复的请求已达上限，请稍后再试。",
            "The resident has as many questions to answer as can be. Try again later.",
        ),
    ),
    "appeals": Cap(
        50,
        Text(
            "待答复的异议已达上限，请等待答复或撤回其中一些。",
            "You wait for as many answers to appeals as can be. Withdraw some, or wait.",
        ),
    ),
    "appeals-kept": Cap(
        1_000,
        Text("异议记录已达上限。", "As many appeals were made as can be kept."),
    ),
    "children": Cap(
        12, Text("监护的孩子已达上限。", "You are guardian of as many children as can be.")
    ),
    # Two parents and two others.
    "guardians": Cap(
        4, Text("孩子的监护人已达上限。", "The child has as many guardians as can be.")
    ),
    "passkeys": Cap(
        20,
        Text(
            "通行密钥数量已达上限，请先删除不再使用的。",
            "You have as many passkeys as can be. Remove one that you no longer use.",
        ),
    ),
    # Nobody is kept out by this one: the oldest sign-in ends.
    "sign-ins": Cap(50, Text("登录数量已达上限。", "You are signed in as often as can be.")),
}


def most(thing: Thing) -> int:
    return CAPS[thing].most


def require(thing: Thing, there: int) -> None:
    """`Conflict` (too-many) where a person has as many of these as can be."""
    if there >= CAPS[thing].most:
        raise Conflict(CAPS[thing].sentence, code=CODE)
