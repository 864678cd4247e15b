"""Whether the secret of the pseudonyms is the one that the store's pseudonyms were made with.

With another secret every patient and study gets another pseudonym, without a word: each study that comes
again counts as new, and each patient's limit of counted studies begins anew, which spends privacy twice. So
a fingerprint of the secret lies beside the volumes.
"""

import hashlib
import hmac

from segwatch.contracts.identity import result_id
from segwatch.errors import BadSettings
from segwatch.volumes.store import VolumeStore

PLACE = result_id("ingest", "pseudonym-secret", "fingerprint")
_SALT = b"segwatch pseudonym secret"


def fingerprint(secret: bytes) -> bytes:
    """What lies beside the store: nobody finds the secret by it; a guess costs 16 MiB and some 50 ms."""
    return hashlib.scrypt(secret, salt=_SALT, n=2**14, r=8, p=1, dklen=16).hex().encode()


def refuse_another_secret(store: VolumeStore, secret: bytes) -> None:
    """Compare the secret with the store's; of a store that has none, this becomes its secret.

    Raises:
        BadSettings: the store's pseudonyms were made with another.
        StoreUnavailable: to be tried again.
    """
    known, ours = store.get_result(PLACE), fingerprint(secret)
    if known is None:
        store.put_result(PLACE, ours)
    elif not hmac.compare_digest(known, ours):
        raise BadSettings(
            "PSEUDONYM_SECRET_FILE holds another secret than the one that this store's pseudonyms were made"
            " with. Every patient and study would get a new pseudonym: what was counted is counted again, and"
            " no limit for a patient holds. Put the former secret back (a backup of it, or the Secret's last"
            f" version). If it is lost for good, remove results/{PLACE[:2]}/{PLACE} from the store, and say "
            "so to the data protection officer: from then on a patient may be counted as two"
        )
