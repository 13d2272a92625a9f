"""All of ``config.yaml``: the checks' and the alerts' parts, and what this package needs itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, ValidationInfo

from alerts.secret import Secret, WithSecrets
from alerts.settings.alerts import AlertSettings
from checks.fields import Duration, ListOf, LocalPath, at_least, is_loopback
from checks.mistakes import Mistake, Section, kind_of, unknown
from checks.settings.checks import ChecksSettings, GcpSettings
from checks.settings.metrics import unknown_bindings
from checks.settings.pipelines import PipelineSettings
from checks.settings.preflight import PreflightSettings
from checks.settings.references import mappings, texts
from checks.settings.tables import Tables, tables_twice
from monitor.config.budget import BudgetSettings
from monitor.config.watch import WatchdogSettings

_SQLITE = "sqlite:///"
_DRIVER = "postgresql+psycopg://"


class DatabaseUrl(Secret):
    """The address of the state database for SQLAlchemy. Shows without password and options."""

    __slots__ = ()

    @classmethod
    def judged(cls, value: object, info: ValidationInfo) -> Self:
        """SQLite or PostgreSQL; a relative file starts from the configuration's folder."""
        if isinstance(value, cls):
            return value
        hint = "write sqlite:///path/to/file.db or postgresql://user:password@host/database"
        if not isinstance(value, str):
            raise Mistake(message=f"expected the URL of a database, found {kind_of(value)}", hint=hint).error()
        url = re.sub(r"^postgres(ql)?://", _DRIVER, value.strip())
        if url.startswith(_SQLITE) and len(url) > len(_SQLITE) and ":memory:" not in url:
            return cls(_SQLITE + str(Path((info.context or {}).get("folder") or "", url.removeprefix(_SQLITE))))
        try:
            parts = urlsplit(url)
            usable = parts.scheme == _DRIVER.partition(":")[0] and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if usable and ("@" in parts.path + parts.query or parts.fragment):
            message = "a special character in the password ends it too early"
            raise Mistake(message=message, hint="write @ / ? # in it as %40 %2F %3F %23").error()
        if not usable:
            raise Mistake(message="not the URL of a database that can hold the state", hint=hint).error()
        return cls(url)

    def shown(self) -> str:
        """The address with ``***`` for the password and for options."""
        parts = urlsplit(self.reveal())
        user = (
            f"{parts.username}:***@" if parts.password is not None else f"{parts.username}@" if parts.username else ""
        )
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{user}{host}{parts.path}" + ("?***" if parts.query else "")

    def __repr__(self) -> str:
        return self.shown()


class KeepSettings(Section):
    """How long the state keeps what is over. What is open, waiting or given up stays."""

    history: Annotated[Duration, at_least(timedelta(days=1))] = Field(
        default=timedelta(days=180), description="resolved incidents, with their faults, history and messages"
    )
    runs: Annotated[Duration, at_least(timedelta(days=1))] = Field(
        default=timedelta(days=14), description="runs of checks, but the last of each"
    )


class StateSettings(WithSecrets):
    """Where faults, incidents and the outbox are kept."""

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    url: DatabaseUrl = Field(description="SQLite file or PostgreSQL database; default sqlite:///var/phasewatch.db")
    url_file: LocalPath | None = Field(default=None, description="file with the URL, instead of url")
    keep: KeepSettings = Field(default={}, validate_default=True, description="how long what is over is kept")


class ServerSettings(WithSecrets):
    """The HTTP server: health, metrics, report."""

    secrets: ClassVar[tuple[str, ...]] = ("token",)

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on; others need a token")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    token: Secret = Field(
        default=Secret(), description="what callers must send as Authorization: Bearer; empty for none"
    )
    token_file: LocalPath | None = Field(default=None, description="file with the token, instead of token")

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:
        """A server that anybody may ask."""
        yield from super().examine(raw, folder)
        host, token = raw.get("host"), raw.get("token", raw.get("token_file"))
        unprotected = token is None or (isinstance(token, str) and not token.strip())
        if isinstance(host, str) and host and not is_loopback(host) and unprotected:
            message = "others could read everything: this address is not only this machine's, and there is no token"
            yield Mistake(message=message, hint="set server.token, or listen on 127.0.0.1", at=("host",))


class EmbeddedSettings(Section):
    """What mode ``embedded`` works with."""

    logs: LocalPath = Field(description="folder with exported log entries; default var/logs")


class Config(Section):
    """All settings. Paths are absolute; ``folder`` is where relative ones started from."""

    mode: Literal["embedded", "gcp"] = Field(
        default="embedded", description="embedded: a local BigQuery and log files; gcp: Google Cloud"
    )
    gcp: GcpSettings = Field(default={}, validate_default=True, description="the Google Cloud project that is watched")
    pipelines: ListOf[PipelineSettings] = Field(
        default=(), description="the pipelines; without any, only the functions' logs are watched"
    )
    tables: Tables = Field(default=(), description="required tables that belong to no pipeline")
    checks: ChecksSettings = Field(default={}, validate_default=True, description="which checks run, and how often")
    budget: BudgetSettings | None = Field(default=None, description="what BigQuery may cost; anything if left out")
    alerts: AlertSettings = Field(default={}, validate_default=True, description="who hears of what")
    state: StateSettings = Field(description="where faults, incidents and the outbox are kept")
    server: ServerSettings = Field(default={}, validate_default=True, description="the HTTP server")
    watchdog: WatchdogSettings = Field(default={}, validate_default=True, description="what watches the watcher")
    embedded: EmbeddedSettings = Field(description="what mode embedded works with")
    preflight: PreflightSettings = Field(
        default={}, validate_default=True, description="what is looked at before a deployment"
    )
    var: LocalPath = Field(description="folder for what the program writes; default var")

    _folder: Path = PrivateAttr(default=Path())

    def model_post_init(self, context: Any) -> None:
        """Keep the folder."""
        self._folder = (context or {}).get("folder") or Path()

    @property
    def folder(self) -> Path:
        """The folder of the configuration file."""
        return self._folder

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - the base's
        """Defaults below ``var``; names between parts."""
        _fill_in(raw)
        if raw.get("mode") == "gcp" and not (isinstance(raw.get("gcp"), Mapping) and raw["gcp"].get("project")):
            message = "mode gcp needs the project to watch"
            yield Mistake(message=message, hint="write gcp: {project: my-project-1}", at=("mode",))
        pipelines = mappings(raw.get("pipelines"))
        names: dict[str, int] = {}
        for index, pipeline in pipelines.items():
            name = pipeline.get("name")
            if isinstance(name, str) and names.setdefault(name, index) != index:
                message = f"the same name as pipelines[{names[name]}]"
                yield Mistake(message=message, at=("pipelines", index, "name"))
        yield from tables_twice(raw.get("tables"))
        for index, table in mappings(raw.get("tables")).items():
            if table.get("rows") is not None:
                message = "a run date needs a pipeline"
                yield Mistake(message=message, hint="move the table to its tables", at=("tables", index, "rows"))
        yield from _routes(raw.get("alerts"), names, pipelines)
        yield from _metrics(raw, pipelines)


def _routes(alerts: object, names: Mapping[str, int], pipelines: Mapping[int, Mapping[str, Any]]) -> Iterator[Mistake]:
    """Routes for what is not there."""
    phases = [p.get("name") for pipeline in pipelines.values() for p in mappings(pipeline.get("phases")).values()]
    known: Mapping[str, Collection[str]] = {
        "pipelines": names,
        "phases": [name for name in phases if isinstance(name, str)],
        "checks": ChecksSettings.model_fields,
    }
    for index, route in mappings(alerts.get("routes") if isinstance(alerts, Mapping) else None).items():
        for condition, options in known.items():
            for item, name in texts(route.get(condition)).items():
                if name not in options:
                    at = ("alerts", "routes", index, condition, item)
                    yield replace(unknown(condition.removesuffix("s"), name, options), at=at, unnamed=True)


def _metrics(raw: Mapping[str, Any], pipelines: Mapping[int, Mapping[str, Any]]) -> Iterator[Mistake]:
    """Metrics and scheduler jobs where there is nobody to ask for them; rules bound to what is not there."""

    def part(of: object, *keys: str) -> Any:
        for key in keys:
            of = of.get(key) if isinstance(of, Mapping) else None
        return of

    watch = part(raw, "checks", "metrics", "watch")
    phases = {
        str(p.get("name")): tuple(str(phase.get("name")) for phase in mappings(p.get("phases")).values())
        for p in pipelines.values()
    }
    for mistake in unknown_bindings(watch, phases):
        yield replace(mistake, at=("checks", "metrics", *mistake.at))
    if raw.get("mode") == "gcp":
        return
    if part(raw, "checks", "scheduler", "enabled") is True and not part(raw, "gcp", "endpoints", "logging"):
        message, hint = "there is no Cloud Logging in mode embedded", "mode: gcp, or set gcp.endpoints.logging"
        yield Mistake(message=message, hint=hint, at=("checks", "scheduler", "enabled"))
    if part(raw, "gcp", "endpoints", "monitoring"):
        return
    message, hint = "there is no Cloud Monitoring in mode embedded", "mode: gcp, or set gcp.endpoints.monitoring"
    if watch:
        yield Mistake(message=message, hint=hint, at=("checks", "metrics", "watch"))
    if isinstance(part(raw, "watchdog", "heartbeat"), Mapping):
        yield Mistake(message=message, hint=hint, at=("watchdog", "heartbeat"))


def _fill_in(raw: dict[str, Any]) -> None:
    """Defaults that lie below the folder ``var``; what was written wrongly stays as it is, to be refused."""
    if raw.get("var") is None:
        raw["var"] = "var"
    for part, key, default in (
        ("state", "url", f"{_SQLITE}{raw['var']}/phasewatch.db"),
        ("embedded", "logs", f"{raw['var']}/logs"),
    ):
        section = {} if raw.get(part) is None else raw[part]
        if isinstance(section, Mapping):
            given = section.get(key) is not None or section.get(f"{key}_file") is not None
            raw[part] = dict(section) if given else {**section, key: default}
