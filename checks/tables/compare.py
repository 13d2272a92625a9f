"""What is required of a table against what it is: every difference by name, with what can be done about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from checks.model import Severity, stamp
from checks.tables.model import Column, LiveTable, RequiredTable

_COPY = "copy the rows into a new table with CREATE TABLE ... AS SELECT, then exchange the names"


class What(StrEnum):
    """In what a table differs."""

    MISSING_FIELD = "missing_field"
    TYPE = "type"
    MODE = "mode"
    EXTRA_FIELD = "extra_field"
    PARTITIONING = "partitioning"
    REQUIRE_FILTER = "require_filter"
    CLUSTERING = "clustering"
    EXPIRATION = "expiration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. ``field`` is the path of a field (``address.city``), None where it is about the whole table.

    ``wanted`` and ``live`` in words. ``severity``: critical where writers or readers break, info where nothing is
    wrong (an extra field). ``add``: the column that would end it by being added, None where adding is not enough.
    """

    what: What
    field: str | None
    wanted: str
    live: str
    severity: Severity
    remedy: str | None = None
    add: Column | None = None

    def words(self) -> str:
        """``field metadata: missing, wanted JSON``."""
        about = f"field {self.field}" if self.field else self.what.value.replace("_", " ")
        wanted = f", wanted {self.wanted}" if self.wanted else ""
        return f"{about}: {self.live}{wanted}"


def differences(wanted: RequiredTable, live: LiveTable) -> tuple[Difference, ...]:
    """Every difference, fields first, in the order of the definition; extra fields are information only.

    Of a view only names and types of fields are compared: it has no partitions and no modes of its own.
    """
    found = list(_fields(tuple(wanted.compared()), live.columns, f"`{live.name}`", view=live.kind != "TABLE"))
    if wanted.columns and wanted.only is None:
        found += _extra(wanted.columns, live.columns)
    if live.kind == "TABLE" and wanted.only is None:
        found += [*_partitioning(wanted, live), *_clustering(wanted, live), *_expiration(wanted, live)]
    return tuple(found)


def trouble(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """Those that are wrong: all but the information."""
    return tuple(difference for difference in found if difference.severity is not Severity.INFO)


def _fields(
    wanted: Sequence[Column], live: Sequence[Column], table: str, *, view: bool, prefix: str = ""
) -> Iterator[Difference]:
    # BigQuery's column names are one whatever their case.
    there = {column.name.lower(): column for column in live}
    for column in wanted:
        path = prefix + column.name
        found = there.get(column.name.lower())
        if found is None:
            yield _missing(column, path, table)
        elif found.type != column.type:
            yield Difference(
                what=What.TYPE,
                field=path,
                wanted=column.type,
                live=f"is {found.type}",
                severity=Severity.CRITICAL,
                remedy=f"the type of a field cannot be changed: {_COPY}, with CAST(`{path}` AS {column.sql_type()})",
            )
        else:
            if column.mode is not None and found.mode != column.mode and not view:
                yield _mode(column.mode, found.made_as, path, table)
            yield from _fields(column.fields, found.fields, table, view=view, prefix=f"{path}.")


def _missing(column: Column, path: str, table: str) -> Difference:
    required = column.mode == "REQUIRED"
    remedy = f"`phasewatch tables apply` adds it to {table}"
    if required:
        remedy = (
            f"BigQuery adds no REQUIRED field to a table that exists: ALTER TABLE {table} ADD COLUMN `{path}`"
            f" {column.sql_type()} and write NULLABLE in the definition, or {_COPY}"
        )
    return Difference(
        what=What.MISSING_FIELD,
        field=path,
        wanted=f"{column.type} {column.mode}" if column.mode else column.type,
        live="missing",
        severity=Severity.CRITICAL,
        remedy=remedy,
        add=None if required else column,
    )


def _mode(wanted: str, live: str, path: str, table: str) -> Difference:
    if (wanted, live) == ("NULLABLE", "REQUIRED"):
        remedy = f"ALTER TABLE {table} ALTER COLUMN `{path}` DROP NOT NULL"
    elif (wanted, live) == ("REQUIRED", "NULLABLE"):
        remedy = f"a mode cannot be tightened: write NULLABLE in the definition, or {_COPY}"
    else:
        remedy = f"a field cannot become repeated, or stop being so: {_COPY}"
    # A field that may be NULL although it should not be breaks no writer.
    mild = (wanted, live) == ("REQUIRED", "NULLABLE")
    return Difference(
        what=What.MODE,
        field=path,
        wanted=wanted,
        live=f"is {live}",
        severity=Severity.WARNING if mild else Severity.CRITICAL,
        remedy=remedy,
    )


def _extra(wanted: Sequence[Column], live: Sequence[Column]) -> Iterator[Difference]:
    known = {column.name.lower() for column in wanted}
    for column in live:
        if column.name.lower() not in known:
            words = f"{column.type} {column.made_as}, not in the definition"
            yield Difference(what=What.EXTRA_FIELD, field=column.name, wanted="", live=words, severity=Severity.INFO)


def _partitioning(wanted: RequiredTable, live: LiveTable) -> Iterator[Difference]:
    if wanted.partitioning is None:
        return
    have = live.partitioning
    is_so = live.partitioned_otherwise or (f"by {have.words()}" if have else "none")
    same = have is not None and (have.column, have.unit) == (wanted.partitioning.column, wanted.partitioning.unit)
    if not same:
        yield Difference(
            what=What.PARTITIONING,
            field=None,
            wanted=f"by {wanted.partitioning.words()}",
            live=is_so,
            severity=Severity.WARNING,
            remedy=f"the partitioning of a table cannot be changed: {_COPY}",
        )
        return
    asked = wanted.partitioning.require_filter
    if have is not None and asked is not None and bool(have.require_filter) != asked:
        yield Difference(
            what=What.REQUIRE_FILTER,
            field=None,
            wanted=_yes(asked),
            live=_yes(not asked),
            severity=Severity.WARNING,
            remedy=f"ALTER TABLE `{live.name}` SET OPTIONS (require_partition_filter = {str(asked).lower()})",
        )


def _clustering(wanted: RequiredTable, live: LiveTable) -> Iterator[Difference]:
    if wanted.clustering is None or wanted.clustering == live.clustering:
        return
    columns = ",".join(wanted.clustering)
    yield Difference(
        what=What.CLUSTERING,
        field=None,
        wanted=f"by {', '.join(wanted.clustering)}" if columns else "none",
        live=f"by {', '.join(live.clustering)}" if live.clustering else "none",
        severity=Severity.WARNING,
        remedy=f"bq update --clustering_fields={columns} {live.name.replace('.', ':', 1)} (for rows written from then)",
    )


def _expiration(wanted: RequiredTable, live: LiveTable) -> Iterator[Difference]:
    if wanted.expires_after is None:
        return
    if live.expires_at is not None:
        # Whatever is said of partitions: this table will be gone.
        yield Difference(
            what=What.EXPIRATION,
            field=None,
            wanted="a table that stays",
            live=f"the table will be deleted at {stamp(live.expires_at)}",
            severity=Severity.CRITICAL,
            remedy=f"ALTER TABLE `{live.name}` SET OPTIONS (expiration_timestamp = NULL)",
        )
    asked = wanted.expires_after or None
    if asked == live.expires_after:
        return
    days = f"{asked.days}" if asked else "NULL"
    yield Difference(
        what=What.EXPIRATION,
        field=None,
        wanted=_kept(asked),
        live=_kept(live.expires_after),
        severity=Severity.WARNING,
        remedy=f"ALTER TABLE `{live.name}` SET OPTIONS (partition_expiration_days = {days})",
    )


def _kept(span: timedelta | None) -> str:
    """``partitions kept 400 days``; ``partitions kept for ever``."""
    return "partitions kept for ever" if span is None else f"partitions kept {span / timedelta(days=1):g} days"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
