"""BigQuery as a warehouse: the real client, every call bounded, every error with its kind and remedy.

Identifiers never come in here as values: whoever writes SQL validates them, and everything else is a query parameter.
"""

from __future__ import annotations

import ipaddress
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from checks.bigquery_library import import_bigquery
from checks.model import utc
from checks.ports import QueryResult, SourceError

if TYPE_CHECKING:
    import requests
    from google.api_core.retry import Retry
    from google.cloud import bigquery

DEFAULT_ENDPOINT = "https://bigquery.googleapis.com"
# BigQuery bills at least this much per query and refuses a lower limit.
SMALLEST_BILLING_LIMIT = 10 * 1024 * 1024
DEFAULT_BILLING_LIMIT = 1024**3
LOGIN_REMEDY = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"

# When all calls of the present operation must be over (monotonic seconds); read by the HTTP session.
_deadline: ContextVar[float | None] = ContextVar("bigquery_deadline", default=None)


class _OverDeadlineError(Exception):
    """Ends an operation for good: no retry of the client's takes it for a passing trouble."""


class BigQueryWarehouse:
    """The warehouse port over BigQuery. May be used from several threads.

    ``endpoint`` other than Google's: one on the loopback interface or with ``http://`` gets no credentials, and no TLS
    unless it says https. ``timeout`` bounds each operation with all its requests, retries and pauses. ``counted`` is
    told of each query that was answered, with its label and the bytes billed (None: not reported).

    :raises ValueError: for a billing limit that BigQuery would refuse.
    """

    def __init__(
        self,
        project: str,
        *,
        location: str | None = None,
        endpoint: str | None = None,
        maximum_bytes_billed: int = DEFAULT_BILLING_LIMIT,
        timeout: timedelta = timedelta(seconds=30),
        counted: Callable[[str, int | None], None] | None = None,
    ) -> None:
        if maximum_bytes_billed < SMALLEST_BILLING_LIMIT:
            raise ValueError(f"maximum_bytes_billed is at least {SMALLEST_BILLING_LIMIT} (10 MB), BigQuery's own limit")
        self.project = project
        self.endpoint, self.anonymous = normal_endpoint(endpoint)
        self._location = location
        self._maximum_bytes_billed = maximum_bytes_billed
        self._timeout = timeout.total_seconds()
        self._counted = counted
        self._client: bigquery.Client | None = None
        self._guard = threading.Lock()

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        """One query, as ``checks.ports.Warehouse`` says. ``dataset.table`` without a project is one of ours.

        :raises SourceError: as the port says; also ``quota``.
        :raises ValueError: for a parameter that has no BigQuery type.
        """
        config = self._config(params, label)
        with self.calls(sql) as (client, retry):
            rows = client.query_and_wait(
                sql,
                job_config=config,
                location=self._location,
                api_timeout=self._timeout / 3,
                wait_timeout=self._timeout * 0.8,  # the rest is for cancelling what still runs
                retry=retry,
                job_retry=None,  # type: ignore[arg-type]  # documented: None disables it
            )
            answer = [dict(row.items()) for row in rows]
            # The job knows what was billed. And it knows of a failure that jobs.query gave as an empty answer: the
            # embedded server does that (bqemulator 1.4.0, HTTP 200 with `errors`).
            job: Any = client.get_job(str(rows.job_id), location=rows.location, retry=retry, timeout=self._timeout / 3)
            if self._counted is not None:
                self._counted(label, job.total_bytes_billed)
            if job.error_result:
                self._fail(job.error_result.get("reason", ""), job.error_result.get("message", ""), sql)
            return QueryResult(rows=answer, bytes_billed=job.total_bytes_billed)

    def dry_run(self, sql: str, params: Mapping[str, Any]) -> int | None:
        """Have a query checked against its tables without running it; the bytes it would read, as far as reported.

        :raises SourceError: as ``query``.
        """
        config = self._config(params, "dry-run")
        config.dry_run = True
        with self.calls(sql) as (client, retry):
            job = client.query(
                sql,
                job_config=config,
                location=self._location,
                timeout=self._timeout / 3,
                retry=retry,
                job_retry=None,
            )
            read: int | None = job.total_bytes_processed
            return read

    @contextmanager
    def calls(self, sql: str = "") -> Iterator[tuple[bigquery.Client, Retry]]:
        """The client, and the retry to pass to its methods, for calls that together end within ``timeout``.

        :raises SourceError: for whatever goes wrong inside. ``sql`` helps to name a missing table.
        """
        import_bigquery()
        import google.auth.exceptions
        import requests
        from google.api_core.exceptions import GoogleAPIError
        from google.cloud.bigquery import DEFAULT_RETRY

        before = _deadline.set(time.monotonic() + self._timeout)
        try:
            yield self._connected(), DEFAULT_RETRY.with_timeout(self._timeout / 2)
        except (
            GoogleAPIError,
            google.auth.exceptions.GoogleAuthError,
            requests.RequestException,
            OSError,  # the built-in TimeoutError is one, which the client raises when a job takes too long
            _OverDeadlineError,
        ) as error:
            self._translate(error, sql)
        finally:
            _deadline.reset(before)

    def close(self) -> None:
        """Close the connections."""
        with self._guard:
            if self._client is not None:
                self._client.close()
                self._client = None

    # -- the client -----------------------------------------------------------------------------------------------

    def _connected(self) -> bigquery.Client:
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        with self._guard:
            if self._client is None:
                if self.anonymous:
                    credentials: Any = AnonymousCredentials()
                else:
                    credentials, _ = google.auth.default(scopes=bigquery.Client.SCOPE)
                self._client = bigquery.Client(
                    project=self.project,
                    credentials=credentials,
                    location=self._location,
                    # Always explicit, so that BIGQUERY_EMULATOR_HOST never gets our token.
                    client_options={"api_endpoint": self.endpoint},
                    _http=_session(credentials, use_proxies=not self.anonymous),
                )
            return self._client

    def _config(self, params: Mapping[str, Any], label: str) -> bigquery.QueryJobConfig:
        import_bigquery()
        from google.cloud import bigquery

        return bigquery.QueryJobConfig(
            query_parameters=[query_parameter(name, value) for name, value in params.items()],
            maximum_bytes_billed=self._maximum_bytes_billed,
            labels={"app": "phasewatch", "phasewatch_check": label_value(label)},
            use_legacy_sql=False,
        )

    # -- errors ---------------------------------------------------------------------------------------------------

    def _translate(self, error: BaseException, sql: str) -> NoReturn:
        """Raise the SourceError for an error of the client."""
        import google.auth.exceptions
        import requests
        from google.api_core import exceptions

        cause: object = error
        while isinstance(cause, exceptions.RetryError) and cause.cause is not None:
            cause = cause.cause
        if isinstance(cause, exceptions.GoogleAPICallError) and cause.code is not None:
            first = cause.errors[0] if cause.errors and isinstance(cause.errors[0], dict) else {}
            reason = str(first.get("reason") or cause.code)
            self._fail(reason, str(first.get("message") or cause.message), sql, cause=error)
        if isinstance(cause, google.auth.exceptions.GoogleAuthError) and not isinstance(
            cause, google.auth.exceptions.TransportError
        ):
            raise SourceError(
                f"no usable credentials for BigQuery: {_short(str(cause))}", kind="forbidden", remedy=LOGIN_REMEDY
            ) from error
        if isinstance(cause, (_OverDeadlineError, TimeoutError, requests.Timeout)):
            raise SourceError(
                f"BigQuery at {self.endpoint} did not answer within {self._timeout:g} s", kind="timeout"
            ) from error
        raise SourceError(
            f"BigQuery at {self.endpoint} cannot be reached: {_short(str(cause))}",
            kind="unreachable",
            remedy=f"see that {self.endpoint} can be reached from here",
        ) from error

    def _fail(self, reason: str, message: str, sql: str, *, cause: BaseException | None = None) -> NoReturn:
        """Raise the SourceError for an answer of the service: ``reason`` is its word for it, or the HTTP status."""
        text = _short(message)
        subject = named_table(text, sql, self.project)
        # "... or perhaps it does not exist": a server without users has nobody to deny, so it does not.
        if reason in ("notFound", "404") or (self.anonymous and "perhaps it does not exist" in text):
            remedy = f"create {subject}, or correct its name in the configuration"
            raise SourceError(text, kind="missing", subject=subject, remedy=remedy if subject else None) from cause
        if reason in ("quotaExceeded", "rateLimitExceeded", "429", "jobRateLimitExceeded"):
            raise SourceError(
                text, kind="quota", remedy=f"look at BigQuery's quotas of project {self.project}, or ask less often"
            ) from cause
        if reason in ("required", "authError", "401"):
            raise SourceError(text, kind="forbidden", remedy=LOGIN_REMEDY) from cause
        if reason in ("accessDenied", "forbidden", "403"):
            raise SourceError(text, kind="forbidden", subject=subject, remedy=self._grant(text, subject)) from cause
        if reason == "bytesBilledLimitExceeded":
            raise SourceError(text, kind="invalid", remedy="raise maximum_bytes_billed in the config") from cause
        if reason in ("stopped", "timeout", "408", "504"):
            raise SourceError(text, kind="timeout") from cause
        if reason in ("backendError", "internalError", "badGateway", "500", "502", "503"):
            raise SourceError(
                f"BigQuery at {self.endpoint} is in trouble: {text}",
                kind="unreachable",
                remedy="wait; https://status.cloud.google.com tells of outages",
            ) from cause
        raise SourceError(text, kind="invalid", subject=subject) from cause

    def _grant(self, text: str, subject: str | None) -> str:
        """The role that is missing, and the command that grants it."""
        client = self._client
        email = getattr(client and client._credentials, "service_account_email", None)  # noqa: SLF001 - who are we?
        member = f"serviceAccount:{email}" if isinstance(email, str) and "@" in email else "MEMBER"
        project = subject.split(".", 1)[0] if subject else self.project
        needs = "both roles/bigquery.dataViewer and roles/bigquery.jobUser are needed"
        if "bigquery.jobs" in text:
            role, project = "roles/bigquery.jobUser", self.project
        elif re.search(r"bigquery\.(tables\.(create|delete|update)|datasets\.(create|update))", text):
            role, needs = "roles/bigquery.dataEditor", "to whoever records; the watcher itself only reads"
        else:
            role = "roles/bigquery.dataViewer"
        command = f"gcloud projects add-iam-policy-binding {project} --member={member} --role={role}"
        return f"grant {role}: `{command}` ({needs})"


def normal_endpoint(endpoint: str | None) -> tuple[str, bool]:
    """The endpoint with its scheme and without a trailing slash, and whether it is used without credentials.

    None is Google's own. Without a scheme it is https, on the loopback interface http.
    """
    if not endpoint:
        return DEFAULT_ENDPOINT, False
    loopback = _is_loopback(urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or "")
    if "://" not in endpoint:
        endpoint = f"{'http' if loopback else 'https'}://{endpoint}"
    return endpoint.rstrip("/"), loopback or endpoint.startswith("http://")


def query_parameter(name: str, value: Any) -> bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter:
    """A parameter with the BigQuery type of a Python value: str, int, float, bool, date, aware datetime, or a non-empty
    list or tuple of one of these.

    :raises ValueError: for anything else.
    """
    import_bigquery()
    from google.cloud import bigquery

    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        kinds = {_kind(name, item) for item in value}
        if len(kinds) != 1:
            raise ValueError(f"parameter {name}: a list needs values of one type, and at least one")
        return bigquery.ArrayQueryParameter(name, kinds.pop(), [_plain(item) for item in value])
    return bigquery.ScalarQueryParameter(name, _kind(name, value), _plain(value))


def label_value(text: str) -> str:
    """A text as BigQuery takes it for a label's value: lower-case letters, digits, ``_`` and ``-``, at most 63."""
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())[:63]


def named_table(message: str, sql: str, project: str) -> str | None:
    """``project.dataset.table`` that an error message is about, None if it names none.

    Where it names a dataset only, the first table of that dataset in the query stands for it.
    """
    table = re.search(r"\b[Tt]able[ :]`?(?:(?P<project>[\w.:-]+)[:.])?(?P<dataset>\w+)\.(?P<table>[\w$-]+)", message)
    if table:
        return f"{table['project'] or project}.{table['dataset']}.{table['table']}"
    dataset = re.search(r"\bDataset `?(?:(?P<project>[\w.:-]+)[:.])?(?P<dataset>\w+)", message)
    if dataset:
        owner = dataset["project"] or project
        inside = re.search(rf"[`.\s]{re.escape(dataset['dataset'])}`?\.`?([\w$-]+)", sql)
        return f"{owner}.{dataset['dataset']}.{inside[1]}" if inside else f"{owner}.{dataset['dataset']}"
    return None


def _session(credentials: Any, *, use_proxies: bool) -> requests.Session:
    """The HTTP session of the client, which cuts every request at the deadline of its operation.

    The client bounds single requests, retries and waiting apart from each other; only here do they add up.
    """
    from google.auth.transport.requests import AuthorizedSession

    class BoundedSession(AuthorizedSession):
        def request(self, *args: Any, **kwargs: Any) -> Any:
            deadline = _deadline.get()
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise _OverDeadlineError
                asked = kwargs.get("timeout")
                read = asked[1] if isinstance(asked, tuple) else asked
                connect = min(5.0, left / 2)
                kwargs["timeout"] = (connect, min(read or left, left - connect))
            return super().request(*args, **kwargs)  # type: ignore[no-untyped-call]  # google-auth: no types

    session = BoundedSession(credentials)  # type: ignore[no-untyped-call]  # google-auth: no types
    session.trust_env = use_proxies
    return session


def _kind(name: str, value: Any) -> str:
    for kind, bigquery_type in (
        (bool, "BOOL"),  # before int, which it is
        (str, "STRING"),
        (int, "INT64"),
        (float, "FLOAT64"),
        (datetime, "TIMESTAMP"),  # before date, which it is
        (date, "DATE"),
    ):
        if isinstance(value, kind):
            return bigquery_type
    raise ValueError(f"parameter {name}: no BigQuery type for {type(value).__name__}")


def _plain(value: Any) -> Any:
    return utc(value) if isinstance(value, datetime) else value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _short(message: str) -> str:
    """A message without the client's own additions (method and URL before it, location and job after it), bounded."""
    text = re.sub(r"^(GET|POST|PUT|PATCH|DELETE) \S+: ", "", message).split("\n\nLocation:", 1)[0].strip()
    return text if len(text) <= 1000 else text[:1000] + " …"  # noqa: PLR2004 - as long as anybody reads
