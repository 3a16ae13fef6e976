"""Looking at ciphertexts without showing them: for upkeep, which holds no permit.

"No permit, no plaintext" holds here too, because no text leaves this module: it says whether a
ciphertext opens, or gives back another ciphertext of the same text. Only `service.upkeep` may
import it (layer contract 9), and every run of it is logged.
"""

from typing import Literal

from service.keys.vault import Vault
from service.kit.crypto.aead import schema_of
from service.kit.errors import Gone, IntegrityBroken, NotFound
from service.kit.sealed import Sealed

Condition = Literal["whole", "broken", "gone", "no-keys"]
"""It opens in its place; it does not; its key was destroyed; its owner never had keys."""


def look(vault: Vault, sealed: Sealed) -> Condition:
    """Whether a ciphertext opens in its place. The text is dropped here and told to nobody."""
    try:
        vault._maintained(sealed)
    except Gone:
        return "gone"
    except NotFound:
        return "no-keys"
    except IntegrityBroken:
        return "broken"
    return "whole"


def reseal(vault: Vault, sealed: Sealed) -> Sealed | None:
    """The same text in the same place under its slot's newest key; None when it already is."""
    keys, key, text = vault._maintained(sealed)
    newest = keys.sealing[keys.slots[key.dek_id]]
    if newest.dek_id == key.dek_id:
        return None
    context = vault._bound(newest, sealed.place)
    return Sealed(newest.seal(text, context, schema=schema_of(sealed.data)), sealed.place)
