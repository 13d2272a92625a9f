"""What BigQuery may cost in a month, as it is written in ``config.yaml``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from checks.mistakes import Mistake, Section

_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
TIB = 2**40
_HINT = "write 5 USD, or 500 GB"


def _amount(value: object) -> str:
    found = (
        re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(USD|MB|GB|TB|MiB|GiB|TiB)", value)
        if isinstance(value, str)
        else None
    )
    if found is None:
        raise Mistake(message="expected an amount of money or of bytes", hint=_HINT).error()
    if float(found[1]) == 0:
        raise Mistake(message="must be more than nothing", hint=_HINT).error()
    return f"{found[1]} {found[2]}"


Amount = Annotated[
    str,
    BeforeValidator(_amount),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-9]{1,9}([.][0-9]{1,3})? ?(USD|MB|GB|TB|MiB|GiB|TiB)$",
            "examples": ["5 USD", "500 GB"],
        }
    ),
]


class BudgetSettings(Section):
    """How much the watcher may have BigQuery bill. Above it, it asks less often, and says so."""

    monthly: Amount = Field(description="the most in a calendar month (UTC), in USD or bytes billed")
    usd_per_tib: float = Field(
        default=6.25, gt=0, le=1000, strict=False, description="what a TiB costs on demand; Google's price in the US"
    )

    def in_bytes(self) -> int:
        """The month's bytes. A free allowance is not counted in: the whole project shares it."""
        number, unit = self.monthly.split()
        if unit == "USD":
            return int(float(number) / self.usd_per_tib * TIB)
        return int(float(number) * _BYTES[unit])
