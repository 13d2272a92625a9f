"""What is near the triggers of a scan, in as little memory as can be: storms have a hundred thousand of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator

_NAME_BITS = 24
_NAME_MASK = (1 << _NAME_BITS) - 1
_FEW = 10_000  # of more it takes longer to make room among them for each than to sort them now and then


class Wanted:
    """When triggers were written (in grains), each with a name that entries of the same text hold; empty for all."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._names: list[bytes] = []
        self._latest: list[int | None] = []  # of each name: storms say the same again and again
        self._keys = array("q")  # a time, and the number of a name
        self._ordered = True

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """In order of time."""
        self._order()
        for key in self._keys:
            yield key >> _NAME_BITS, self._names[key & _NAME_MASK]

    def add(self, grain: int, name: bytes) -> None:
        """Take one."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
            self._latest.append(None)
        if self._latest[number] != grain:
            self._latest[number] = grain
            key = grain << _NAME_BITS | number
            if not self._keys or (self._ordered and key > self._keys[-1]):
                self._keys.append(key)
            elif self._ordered and len(self._keys) < _FEW:
                insort(self._keys, key)
            else:
                self._keys.append(key)
                self._ordered = False

    def update(self, other: Wanted) -> None:
        """Take all of another."""
        for grain, name in other:
            self.add(grain, name)

    def near(self, first: int | None, last: int | None) -> dict[bytes, list[int]]:
        """Per name when its triggers were, in order, from one time to another; None: without such a bound."""
        self._order()
        low = 0 if first is None else bisect_left(self._keys, first << _NAME_BITS)
        high = len(self._keys) if last is None else bisect_left(self._keys, last + 1 << _NAME_BITS)
        found: dict[bytes, list[int]] = {}
        for key in self._keys[low:high]:
            found.setdefault(self._names[key & _NAME_MASK], []).append(key >> _NAME_BITS)
        return found

    def _order(self) -> None:
        if not self._ordered:
            self._keys = array("q", sorted(self._keys))
            self._ordered = True
