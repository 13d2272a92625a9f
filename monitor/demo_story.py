"""The outage of 26 January 2026 as a timeline of values: what was logged and recorded when. Pure.

Texts and places are those of the real failure: an import was lost from the function that records phase 3, the exception
was caught and logged, the function ended normally, and for 47 hours nobody saw that nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from checks.model import stamp
from checks.pipeline import local_instant

ZONE = ZoneInfo("America/New_York")
ORCHESTRATOR = "phase3-to-phase4-orchestrator"
RUN_DATE = date(2026, 1, 25)
HEALTHY = (date(2026, 1, 23), date(2026, 1, 24))
GAMES = (*HEALTHY, RUN_DATE, date(2026, 1, 28))

PHASE2 = ("p2_nbacom_schedule", "p2_odds_game_lines", "p2_bdl_box_scores", "p2_nbacom_gamebook_pdf")
BEFORE_GAMES = ("upcoming_player_game_context", "upcoming_team_game_context")
SUMMARIES = ("player_game_summary", "team_defense_game_summary", "team_offense_game_summary")
PHASE4 = (
    "team_defense_zone_analysis",
    "player_shot_zone_analysis",
    "player_composite_factors",
    "player_daily_cache",
    "ml_feature_store",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happens in the story at ``at``: ``says`` is told, entries are logged, rows are recorded.

    ``report``: the health report is shown now. ``leap``: nothing happens until then and the clock may jump there.
    """

    at: datetime
    says: str = ""
    entries: tuple[dict[str, Any], ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    report: bool = False
    leap: bool = False


def local(day: date, text: str) -> datetime:
    """A wall-clock time of the story in UTC."""
    return local_instant(day, time.fromisoformat(text), ZONE)


START = local(date(2026, 1, 26), "05:50")


def calendar_rows() -> list[dict[str, Any]]:
    """Games on four dates; none on the 26th and 27th."""
    return [{"game_date": day.isoformat(), "game_id": f"{day:%Y%m%d}-{n}"} for day in GAMES for n in (1, 2)]


def history() -> list[dict[str, Any]]:
    """Two healthy run dates, and what of the third was recorded before the story begins."""
    rows = []
    for day in (*HEALTHY, RUN_DATE):
        after = day + timedelta(days=1)
        rows.append(_row("phase2", day, PHASE2[0], local(day, "06:10")))
        rows.append(_row("phase2", day, PHASE2[1], local(day, "13:02")))
        rows.append(_row("phase2", day, PHASE2[2], local(after, "02:40")))
        rows += [_row("phase3", day, name, local(day, "10:36")) for name in BEFORE_GAMES]
        if day != RUN_DATE:
            rows.append(_row("phase2", day, PHASE2[3], local(after, "05:55")))
            rows += [_row("phase3", day, name, local(after, f"06:{40 + n * 3}")) for n, name in enumerate(SUMMARIES)]
            rows += [_row("phase4", day, name, local(after, f"07:{10 + n * 9}")) for n, name in enumerate(PHASE4)]
    return rows


def story() -> Iterator[Event]:
    """The events in order of time."""
    monday, tuesday, wednesday = (date(2026, 1, 26) + timedelta(days=n) for n in range(3))
    done = local(monday, "06:05")
    yield Event(
        at=done,
        says="phase 2 of 25 January is complete",
        rows=(_row("phase2", RUN_DATE, PHASE2[3], done),),
        entries=(
            _request("phase2-to-phase3-orchestrator", "00041-riv", done),
            _request(ORCHESTRATOR, "00028-tam", done),
        ),
    )
    yield Event(at=local(monday, "06:26"), entries=_deployed("00029-zop", local(monday, "06:26")))
    for number, processor in enumerate(SUMMARIES):
        when = local(monday, f"06:{36 + 6 * number}")
        says = f"{ORCHESTRATOR} cannot record {processor}: it logs a NameError and answers 200"
        yield Event(at=when, says=says, entries=_name_error(processor, when))
    yield Event(at=local(monday, "11:25"), says="the report, as `phasewatch report` prints it", report=True)
    yield Event(at=local(tuesday, "09:00"), leap=True)
    first = local(tuesday, "09:12")
    yield Event(
        at=first,
        says="the first repair is deployed (revision 00030-kul), a message is delivered again",
        entries=(*_deployed("00030-kul", first - timedelta(minutes=4)), *_missing_module(first)),
    )
    yield Event(at=local(wednesday, "05:00"), leap=True)
    fixed = local(wednesday, "05:10")
    yield Event(
        at=fixed,
        says="the final fix is deployed (revision 00031-pef), the messages are replayed",
        entries=_deployed("00031-pef", fixed),
    )
    for number, processor in enumerate(SUMMARIES):
        when = fixed + timedelta(minutes=4 + 3 * number)
        yield Event(
            at=when,
            says=f"{processor} is recorded",
            rows=(_row("phase3", RUN_DATE, processor, when),),
            entries=(_request(ORCHESTRATOR, "00031-pef", when),),
        )
    when = fixed + timedelta(minutes=30)
    yield Event(at=when, says="phase 4 is recorded", rows=tuple(_row("phase4", RUN_DATE, n, when) for n in PHASE4))


def _row(phase: str, run_date: date, processor: str, when: datetime) -> dict[str, Any]:
    """A completion, inserted when it was completed, as the recorder does."""
    return {
        "phase": phase,
        "game_date": run_date.isoformat(),
        "processor_name": processor,
        "status": "success",
        "record_count": 200,
        "execution_id": f"{run_date:%m%d}-{processor}",
        "completed_at": stamp(when),
        "inserted_at": stamp(when),
    }


def _request(service: str, revision: str, when: datetime) -> dict[str, Any]:
    """A request that was answered with 200."""
    return {
        **_entry(service, revision, when, "requests"),
        "httpRequest": {"requestMethod": "POST", "status": 200, "latency": "0.8s"},
        "severity": "INFO",
    }


def _name_error(processor: str, when: datetime) -> tuple[dict[str, Any], ...]:
    text = (
        f"Firestore write failed for phase3/{RUN_DATE}/{processor}: name 'firestore' is not defined\n"
        "Traceback (most recent call last):\n"
        '  File "/workspace/orchestration/shared/utils/completion_tracker.py", line 243, in _write_to_firestore\n'
        "    doc_ref.set({processor: firestore.SERVER_TIMESTAMP}, merge=True)\n"
        "NameError: name 'firestore' is not defined"
    )
    return failure_entries("00029-zop", when, text)


def _missing_module(when: datetime) -> tuple[dict[str, Any], ...]:
    text = (
        f"Both Firestore and BigQuery writes failed for phase3/{RUN_DATE}/player_game_summary\n"
        "Traceback (most recent call last):\n"
        '  File "/workspace/main.py", line 97, in record_completion\n'
        "    tracker.record(phase, game_date, processor)\n"
        '  File "/workspace/orchestration/shared/utils/bigquery_utils.py", line 23, in get_client\n'
        "    from shared.utils.bigquery_client_pool import get_pool\n"
        "ModuleNotFoundError: No module named 'shared.utils'"
    )
    return failure_entries("00030-kul", when, text)


def _deployed(revision: str, when: datetime) -> tuple[dict[str, Any], ...]:
    """Somebody deploys the function, and a minute later its revision is up: the two audit entries of Cloud Run."""
    ready = when + timedelta(minutes=1)
    asked = {
        "serviceName": "run.googleapis.com",
        "methodName": "google.cloud.run.v1.Services.ReplaceService",
        "resourceName": f"namespaces/nba-props-platform/services/{ORCHESTRATOR}",
        "authenticationInfo": {"principalEmail": "dev@example.com"},
    }
    came_up = {
        "serviceName": "run.googleapis.com",
        "methodName": "/Services.ReplaceService",
        "resourceName": f"namespaces/nba-props-platform/revisions/{ORCHESTRATOR}-{revision}",
        "status": {
            "message": f"Ready condition status changed to True for Revision {ORCHESTRATOR}-{revision} with message: "
            "Deploying Revision."
        },
    }
    kind = {"@type": "type.googleapis.com/google.cloud.audit.AuditLog"}
    return tuple(
        {
            **_entry(ORCHESTRATOR, revision, at, "requests"),
            "insertId": f"{int(at.timestamp()):08x}{log}",
            "logName": f"projects/nba-props-platform/logs/cloudaudit.googleapis.com%2F{log}",
            "severity": "NOTICE" if log == "activity" else "INFO",
            "protoPayload": {**kind, **audit},
        }
        for at, log, audit in ((when, "activity", asked), (ready, "system_event", came_up))
    )


def failure_entries(revision: str, when: datetime, text: str) -> tuple[dict[str, Any], ...]:
    """The request that is answered with 200 all the same, and what was logged during it."""
    logged = {
        **_entry(ORCHESTRATOR, revision, when + timedelta(seconds=1), "stderr"),
        "severity": "ERROR",
        "textPayload": text,
    }
    return (_request(ORCHESTRATOR, revision, when), logged)


def _entry(service: str, revision: str, when: datetime, log: str) -> dict[str, Any]:
    """An entry of a gen2 function, as ``gcloud logging read --format=json`` prints it."""
    return {
        "insertId": f"{int(when.timestamp()):08x}{log}",
        "logName": f"projects/nba-props-platform/logs/run.googleapis.com%2F{log}",
        "resource": {
            "type": "cloud_run_revision",
            "labels": {
                "project_id": "nba-props-platform",
                "location": "us-west2",
                "service_name": service,
                "configuration_name": service,
                "revision_name": f"{service}-{revision}",
            },
        },
        "labels": {
            "instanceId": f"0087244a80{sum(map(ord, revision)):04x}",
            "goog-managed-by": "cloudfunctions",
            "goog-drz-cloudfunctions-id": service,
        },
        "timestamp": stamp(when),
        "receiveTimestamp": stamp(when + timedelta(seconds=2)),
    }
