"""The order in which QEMU goes through the keys of an object: that of its hash table's buckets.

It decides which of several faults a client is told, and in which order an id's members come back.
Facts from QEMU's qobject/qdict.c, which has the function from TDB.
"""

from typing import Any

_BUCKETS = 512


def order_keys(members: dict[str, Any]) -> list[str]:
    """Return the keys of an object in QEMU's order; `members` has them in the order of the text."""
    # Within a bucket, the key that came last is first.
    latest_first = reversed(members.keys())
    return sorted(latest_first, key=_find_bucket)


def _find_bucket(key: str) -> int:
    data = key.encode(errors="surrogatepass").replace(b"\0", b"\xc0\x80")
    value = 0x238F13AF * len(data)
    # Each byte is shifted by five bits more than the one before, modulo 24.
    for index in range(min(24, len(data))):
        value += sum(data[index::24]) << (index * 5 % 24)
    return (1103515243 * value + 12345) % _BUCKETS
