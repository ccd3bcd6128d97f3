"""Who got a mailing: everybody, and nobody twice."""

from __future__ import annotations

from collections import Counter


def one_each(got: Counter[str], count: int) -> None:
    """Raise unless `count` people got it, each once."""
    twice = sorted(address for address, times in got.items() if times > 1)
    assert not twice, f"got it twice: {twice[:10]}, {len(twice)} in all"
    assert len(got) == count, f"{len(got)} of {count} arrived"
