"""What proves that a processor is done, as written in the configuration; and who records a phase, until when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from checks.fields import Column, Day, Service, Table
from checks.mistakes import Mistake, Section, kind_of
from checks.phases.evidence import CompletionEvidence, ProcessorEvidence, TableEvidence
from checks.settings.calendar import Sql
from checks.settings.days import ValiditySettings

_LONGEST_EXPRESSION = 2_000


def _expression(value: str) -> str:
    if not value.strip():
        raise Mistake(message="must not be empty").error()
    # It is put between parentheses, inside which a comment or a second statement has no place.
    if re.search(r"--|/\*|;|#", value):
        raise Mistake(message="must be one expression", hint="without comments and semicolons").error()
    return value


Expression = Annotated[str, Field(max_length=_LONGEST_EXPRESSION), AfterValidator(_expression)]


class RecorderSettings(Section):
    """The function that writes a phase's completion rows. A bare name stands for one that still does."""

    function: Service = Field(description="its name, as it was deployed")
    until: Day | None = Field(default=None, description="first run date that it no longer records")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or a bare name."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


def _recorder(value: object) -> object:
    return {"function": value} if isinstance(value, str) else value


Recorder = Annotated[RecorderSettings, BeforeValidator(_recorder)]

_OF_TABLES = ("date", "where", "at_least", "expected", "time")


class EvidenceSettings(Section):
    """What proves that a processor is done: its completion row, or rows for the run date in a table."""

    completion: Literal[True] | None = Field(
        default=None, description="true: a row in the completions table; `completion` alone stands for it"
    )
    table: Table | None = Field(default=None, description="table with rows for the run date")
    date: Expression | None = Field(
        default=None, description="its date column, or an expression of type DATE; the pipeline's run_date if left out"
    )
    where: Expression | None = Field(default=None, description="a condition in SQL that the rows must meet")
    at_least: int | None = Field(default=None, ge=1, le=10**9, description="how many rows it takes; 1 if left out")
    expected: Sql | None = Field(
        default=None,
        description="instead of at_least: a query with the columns run_date and expected; may use @first and @last",
    )
    time: Column | None = Field(default=None, description="its column with the time at which a row was written")
    valid: ValiditySettings | None = Field(
        default=None, description="the run dates for which it proves anything; all if left out"
    )

    def contradictions(self) -> Iterator[Mistake]:
        """One of the two kinds, and details only where there is a table."""
        if (self.table is None) == (self.completion is None):
            yield Mistake(message="needs completion: true or a table, one of them")
        elif self.table is None:
            for key in _OF_TABLES:
                if getattr(self, key) is not None:
                    yield Mistake(message="goes with a table", at=(key,))
        if self.at_least is not None and self.expected is not None:
            yield Mistake(message="at_least says already how many rows it takes", at=("expected",))

    def to_evidence(self, run_date: str) -> ProcessorEvidence:
        """The value meant; ``run_date`` is what the pipeline calls its run date."""
        begins, until = (self.valid.from_, self.valid.until) if self.valid else (None, None)
        if self.table is None:
            return CompletionEvidence(valid_from=begins, valid_until=until)
        return TableEvidence(
            table=self.table,
            date=self.date or run_date,
            where=self.where,
            at_least=self.at_least or 1,
            expected=self.expected,
            time=self.time,
            valid_from=begins,
            valid_until=until,
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or the word ``completion``."""
        return {"anyOf": [{"const": "completion"}, handler.resolve_ref_schema(handler(core))]}


def _evidence(value: object) -> object:
    if value == "completion":
        return {"completion": True}
    if not isinstance(value, Mapping | EvidenceSettings):
        message = f"expected completion or a mapping with a table, found {kind_of(value)}"
        raise Mistake(message=message, hint="write completion, or {table: dataset.table}").error()
    return value


OneEvidence = Annotated[EvidenceSettings, BeforeValidator(_evidence)]
