"""Chains and mentions of one execution -> occurrences of failures: each thing that happened, counted once.

Code often says the same thing twice: the message and then the traceback, the same exception logged by the function
and again by the framework, a line repeated after the traceback. All of these are one occurrence.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from checks.logs import carriers
from checks.logs.chains import Chain, Frame, Mention, Raised
from checks.logs.entry import LEVELS, Entry
from checks.logs.signatures import SHUTDOWN_NOISE, Defect, canonical, said
from checks.logs.tracebacks import HEADER

_SECOND = 1_000_000_000
SAME_EXCEPTION = _SECOND  # a message and its traceback, or two reports of one exception, are no further apart
_MAX_SAMPLE = 2_000
_MAX_MESSAGE = 300
_SAMPLE_LINES = 20
_QUIET_BELOW = LEVELS["WARNING"]  # "at INFO or DEBUG it is not reported"

ERROR = "error"  # the kind of an exception that is neither a broken import nor a broken name
# What ends a process on purpose, what only tells that a worker has failed, and groups: their members are told each.
_NO_ERRORS = frozenset(
    ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "HaltServer", "ExceptionGroup", "BaseExceptionGroup")
)

_VARIABLE = re.compile(r"[\d/'\"]")

Meaning = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What can be told of a failure without knowing who wrote it, and when."""

    exception: str
    name: str | None
    module: str | None
    kind: str
    file: str | None
    line: int | None
    function: str | None
    handled: bool
    message: str
    sample: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One failure that happened once: what it is, the entries that tell of it (at least one), those that repeat it."""

    what: Happening
    telling: tuple[Entry, ...]
    repeating: tuple[Entry, ...]

    @property
    def written(self) -> int:
        """When its first line was written, in nanoseconds since 1970."""
        return min([entry.nanos for entry in self.telling])

    @property
    def ended(self) -> int:
        """When its last line was written, in nanoseconds since 1970."""
        return max([entry.nanos for entry in self.telling])

    @property
    def service(self) -> str:
        """Who failed."""
        return self.telling[0].service

    @property
    def revision(self) -> str | None:
        """The revision that failed; None where that is not known."""
        return self.telling[0].revision

    @property
    def execution_id(self) -> str | None:
        """The execution in which it happened, if that is told."""
        return next((entry.execution_id for entry in self.telling if entry.execution_id), None)

    @property
    def known(self) -> int:
        """When its last line could be known, in nanoseconds since 1970."""
        return max(entry.known for entry in (*self.telling, *self.repeating))

    @property
    def keys(self) -> tuple[str, ...]:
        """The identities of its entries."""
        return tuple(dict.fromkeys(entry.key for entry in (*self.telling, *self.repeating)))


@dataclass(slots=True)
class _Report:
    """One report of an exception, on its way to become an occurrence or a part of one."""

    start: int
    end: int
    defect: Defect
    meaning: Meaning
    entries: list[Entry]
    raised: Raised | None
    words: str
    handled: bool
    message: str
    sample: str
    also: list[Entry] = field(default_factory=list)  # lines that only repeat it


def occurrences(events: Iterable[Chain | Mention]) -> list[Occurrence]:
    """What happened in one execution (or instance, where executions are not told apart), in order of time."""
    chains = [event for event in events if isinstance(event, Chain) and event.entries]
    mentions = [event for event in events if isinstance(event, Mention) and not event.foreign]
    by_text: dict[str, list[Mention]] = {}
    for mention in mentions:
        by_text.setdefault(mention.text, []).append(mention)
    spoken = _Spoken()
    reports = []
    for chain in chains:
        report = _chain_report(chain, _names_it(chain, by_text.get(chain.carrier, ())))
        is_error = report is not None and report.defect.kind == ERROR
        spoken.add(chain, None if is_error else report)
        if report is not None:
            reports.append(report)
    spoken.sort()
    reports.extend(_mention_report(mention) for mention in mentions if not spoken.covers(mention))
    reports.sort(key=lambda report: (report.start, report.end))
    return [_occurrence(merged) for merged in _merged(reports)]


def _names_it(chain: Chain, before: Sequence[Mention]) -> bool | None:
    """Whether the line just before a traceback is the code's own message of the same exception; False if it names
    another, None if it names none.
    """
    start, meanings = chain.entries[0].nanos, _meanings(chain)
    near = [one for one in before[:1000] if abs(start - one.entry.nanos) <= SAME_EXCEPTION]
    return any(_meaning(mention.defect) in meanings for mention in near) if near else None


class _Spoken:
    """What the tracebacks of an execution say, to recognise lines that only repeat it."""

    def __init__(self) -> None:
        self._spans: dict[Meaning, list[tuple[int, int, _Report | None]]] = {}

    def add(self, chain: Chain, report: _Report | None) -> None:
        """Take one traceback, and what is to be reported of it."""
        for meaning in _meanings(chain):
            spans = self._spans.setdefault(meaning, [])
            spans.append((chain.entries[0].nanos, chain.entries[-1].nanos, report))

    def sort(self) -> None:
        """All are known: questions may be asked."""
        for spans in self._spans.values():
            spans.sort(key=lambda span: span[:2])

    def covers(self, mention: Mention) -> bool:
        """Whether a traceback close by says the same; the line is then counted with it. The next one is preferred."""
        at = mention.entry.nanos
        spans = self._spans.get(_meaning(mention.defect), [])
        following = bisect_right(spans, at - 1, key=lambda span: span[0])
        near = [*spans[following : following + 1], *spans[max(0, following - 3) : following][::-1]]
        for start, end, report in near:
            if start - SAME_EXCEPTION <= at <= end + SAME_EXCEPTION:
                if report is not None:
                    report.also.append(mention.entry)
                return True
        return False


def _meaning(defect: Defect) -> Meaning:
    return defect.kind, canonical(defect.kind, defect.name)


def _meanings(chain: Chain) -> set[Meaning]:
    found = {_meaning(one.defect) for one in chain.raised if one.defect}
    found.update(meaning for one in chain.raised if (meaning := said(one.message)))
    return found


def _chain_report(chain: Chain, introduced: bool | None) -> _Report | None:
    failure = chain.failure() or chain.error()
    if failure is None or chain.quoted or carriers.is_test_report(chain.carrier):
        return None
    defect = failure.defect or _error_of(failure)
    if defect is None:
        return None
    last = chain.entries[-1]
    # The platform marks a bare traceback ERROR whatever the logger's line before it says.
    levels = [last.level if last.level is not None else chain.entries[0].level]
    if not chain.entries[0].logged and (
        chain.own_entry_carrier or _began_in_a_function(chain) or carriers.on_purpose(chain.carrier)
    ):
        levels.append(chain.carrier_level)
    if any(level is not None and level < _QUIET_BELOW for level in levels):
        return None
    return _Report(
        start=chain.entries[0].nanos,
        end=last.nanos,
        defect=defect,
        meaning=_meaning(defect),
        entries=chain.entries,
        raised=failure,
        words=_words(chain.carrier),
        handled=_is_handled(chain, introduced),
        message=failure.message,
        sample="\n".join(list(chain.sample)[-_SAMPLE_LINES:]),
        also=list(chain.notes),
    )


def _error_of(raised: Raised) -> Defect | None:
    """What stands for an exception that is no failure of the watched kinds: its class, and where it was raised."""
    name = raised.exception.rpartition(".")[2]
    if raised.where is None or name in _NO_ERRORS or SHUTDOWN_NOISE in raised.message:
        return None
    where = f"{raised.where.file}:{raised.where.function}"
    return Defect(exception=raised.exception, name=f"{raised.exception} at {where}", module=None, kind=ERROR)


def _began_in_a_function(chain: Chain) -> bool:
    """Whether a function of the application caught what was raised: what nobody catches is shown from the beginning of
    the program on, or of a thread or a framework, which is in a library.
    """
    frames = chain.raised[-1].frames
    return bool(frames) and not frames[0].is_library and frames[0].function not in {None, "<module>"}


def _is_handled(chain: Chain, introduced: bool | None) -> bool:
    """Whether code caught and logged it. What stands before a traceback in one entry was written together with it."""
    if introduced is False or (chain.carrier and carriers.is_framework(chain.carrier)):
        return False
    first = chain.entries[0]
    if first.logged or chain.own_entry_carrier:
        before = first.text.partition(HEADER)[0].split("\n")[:20]
        return not any(line != chain.carrier and carriers.is_framework(line) for line in before if line)
    if not chain.carrier:
        return False
    return bool(introduced) or carriers.is_own_message(chain.carrier)


def _mention_report(mention: Mention) -> _Report:
    entry = mention.entry
    bare = not mention.lead.strip() and not entry.logged and mention.text.startswith(f"{mention.defect.exception}: ")
    return _Report(
        start=entry.nanos,
        end=entry.nanos,
        defect=mention.defect,
        meaning=_meaning(mention.defect),
        entries=[entry],
        raised=None,
        words=_words(mention.lead),
        handled=not bare and not carriers.is_framework(mention.text),
        message=mention.text[len(mention.lead) :].removeprefix(f"{mention.defect.exception}: "),
        sample=mention.text,
    )


def _words(text: str) -> str:
    """The first fixed words of a message, logger prefix included: they tell two statements of the code apart, while
    numbers, times and names of rows do not.
    """
    fixed = [word for word in text[:300].split() if not _VARIABLE.search(word) and any(map(str.isalpha, word))]
    return " ".join(fixed[: 2 if fixed and ":" in fixed[0] else 3])


def _merged(reports: Sequence[_Report]) -> list[list[_Report]]:
    """Reports that tell of one and the same exception, together."""
    result: list[list[_Report]] = []
    latest: dict[Meaning, list[_Report]] = {}
    for report in reports:
        same = latest.get(report.meaning)
        if same is not None and _repeats(report, same):
            same.append(report)
        else:
            same = [report]
            result.append(same)
            latest[report.meaning] = same
    return result


def _repeats(report: _Report, same: Sequence[_Report]) -> bool:
    last = same[-1]
    if report.start - last.end > SAME_EXCEPTION or len(same) >= 20:  # noqa: PLR2004 - nobody logs one exception so often
        return False
    if report.raised is None or last.raised is None:
        return report.raised is None and last.raised is None and report.words not in {one.words for one in same}
    old, new = last.raised.frames, report.raised.frames
    if not old or not new or len(new) < len(old) or new[len(new) - len(old) :] != old:
        return False
    return len(new) > len(old) or report.words not in {one.words for one in same}


def _occurrence(reports: Sequence[_Report]) -> Occurrence:
    first = reports[0]
    where: Frame | None = next((one.raised.where for one in reports if one.raised), None)
    what = Happening(
        exception=first.defect.exception,
        name=None if first.defect.kind == ERROR else first.defect.name,
        module=first.defect.module,
        kind=first.defect.kind,
        file=where.file if where else None,
        line=where.line if where else None,
        function=where.function if where else None,
        handled=all(report.handled for report in reports),
        message=first.message[:_MAX_MESSAGE],
        sample=first.sample[-_MAX_SAMPLE:],
    )
    return Occurrence(
        what,
        tuple(entry for report in reports for entry in report.entries),
        tuple(entry for report in reports for entry in report.also),
    )
