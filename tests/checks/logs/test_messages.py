"""Lines without a traceback: which are failures, and which only look like one."""

from __future__ import annotations

import pytest

from checks.logs.failures import scan
from tests.checks.logs.entries import entry

REPORTED = {
    "ERROR:root:Failed to write: name 'firestore' is not defined": ("NameError", "firestore"),
    "Failed to write: name 'firestore' is not defined": ("NameError", "firestore"),
    "Firestore write failed for phase3/2026-01-25/player_game_summary: name 'firestore' is not defined": (
        "NameError",
        "firestore",
    ),
    "[ERROR] import of handler failed (No module named 'shared.utils'), skipping": (
        "ModuleNotFoundError",
        "shared.utils",
    ),
    "2026-01-26 09:07:04,960 - worker - ERROR - could not load: No module named requests_toolbelt": (
        "ImportError",
        "requests_toolbelt",
    ),
    "2026-01-26 09:07:04.960 | ERROR    | __main__:run:12 - failed: cannot import name 'x' from 'a.b' (/w/a/b.py)": (
        "ImportError",
        "x",
    ),
    "[2026-01-26 09:07:04 +0000] [7] [ERROR] boot failed: NameError: name 'Flask' is not defined": (
        "NameError",
        "Flask",
    ),
    "ERROR:root:handler raised ModuleNotFoundError(\"No module named 'numpy'\")": ("ModuleNotFoundError", "numpy"),
    "NameError: name 'firestore' is not defined. Did you mean: 'filestore'?": ("NameError", "firestore"),
    "No module named 'jinja_helpers'": ("ModuleNotFoundError", "jinja_helpers"),
    "ERROR:db:BigQuery insert failed: 404 Not Found: Table p-x:ds.phase_completions": (
        "NotFound",
        "p-x:ds.phase_completions",
    ),
    "BigQuery insert failed: 404 Not found: Table p-x:ds.t was not found in location US": ("NotFound", "p-x:ds.t"),
    "ERROR:x:save: 404 POST https://bigquery.googleapis.com/v2/t/insertAll: Not found: Table p-x:ds.t": (
        "NotFound",
        "p-x:ds.t",
    ),
    "ERROR:x:failed: cannot access local variable 'total' where it is not associated with a value": (
        "UnboundLocalError",
        "total",
    ),
    "ERROR:x:failed: local variable 'total' referenced before assignment": ("UnboundLocalError", "total"),
    "ERROR:x:failed: module 'shared.dates' has no attribute 'parse_day'": ("AttributeError", "parse_day"),
    "ERROR:x:failed: attempted relative import with no known parent package": ("ImportError", None),
    "ERROR:x:plugin broken: ImportError: libGL.so.1: cannot open shared object file: No such file or directory": (
        "ImportError",
        "libGL.so.1",
    ),
    "ERROR:x:cannot load rules: invalid syntax (rules.py, line 12)": ("SyntaxError", None),
    "/layers/google.python.runtime/python/bin/python3: Error while finding module specification for 'app.main' "
    "(ModuleNotFoundError: No module named 'app')": ("ModuleNotFoundError", "app"),
    "Processor failed error=\"name 'x' is not defined\"": ("NameError", "x"),
    "Failed to load plugin: libgomp.so.1: cannot open shared object file: No such file or directory": (
        "ImportError",
        "libgomp.so.1",
    ),
    "\u274c Failed to record completion: name 'x' is not defined": ("NameError", "x"),
    "Failed to import: No module named 'a.b'; 'a' is not a package": ("ModuleNotFoundError", "a.b"),
    "Failed: name 'np' is not defined. Did you forget to import 'np'?": ("NameError", "np"),
    "Query failed: 404 Not found: Table p-1:ds.tab was not found in location US; reason: notFound, message: "
    "Not found: Table p-1:ds.tab was not found in location US": ("NotFound", "p-1:ds.tab"),
    "ERROR:x:failed because name 'x' is not defined": ("NameError", "x"),
    "/usr/local/bin/python3: No module named app.main": ("ModuleNotFoundError", "app.main"),
    "Error inserting rows: 404 POST https://bigquery.googleapis.com/bigquery/v2/projects/p-1/datasets/ds/tables/tab/"
    "insertAll?prettyPrint=false: Table p-1:ds.tab not found.": ("NotFound", "p-1:ds.tab"),
    "ERROR:root:Encountered errors: [{'reason': 'notFound', 'message': 'Not found: Table p-1:ds.tab'}]": (
        "NotFound",
        "p-1:ds.tab",
    ),
    "*** Sorry: IndentationError: unexpected indent (main.py, line 5)": ("IndentationError", None),
    "SyntaxError: invalid syntax (shared/rules.py, line 12)": ("SyntaxError", None),
    'ERROR:    Error loading ASGI app. Could not import module "main".': ("ModuleNotFoundError", "main"),
    'ERROR:    Error loading ASGI app. Attribute "app" not found in module "main".': ("AttributeError", "app"),
    "Error: Could not import 'app.main'.": ("ModuleNotFoundError", "app.main"),
    "/usr/local/bin/python: No module named app.main": ("ModuleNotFoundError", "app.main"),
    "Échec de l'enregistrement : name 'firestore' is not defined": ("NameError", "firestore"),
    "save failed NameError(\"name 'firestore' is not defined\")": ("NameError", "firestore"),
    "save failed: NameError(\"name 'firestore' is not defined\"), row=17": ("NameError", "firestore"),
    "(<class 'NameError'>, NameError(\"name 'x' is not defined\"), <traceback object at 0x7f>)": ("NameError", "x"),
    "Error: (\"name 'firestore' is not defined\",)": ("NameError", "firestore"),
    "{'status': 'error', 'message': \"name 'x' is not defined\"}": ("NameError", "x"),
    "result: {'error': \"No module named 'shared.utils'\", 'ok': False}": ("ModuleNotFoundError", "shared.utils"),
    "ImportError: Failed to import shared.utils: No module named 'google'": ("ImportError", "google"),
    "E0126 09:07:04.960123 17 main.py:12] save failed: name 'x' is not defined": ("NameError", "x"),
    "Failed to fetch https://example.com/a.csv: name 'requests' is not defined": ("NameError", "requests"),
}
IGNORED = [
    "INFO:worker:self check passed, no ImportError found in 14 modules",
    "INFO:root:optional speedups not installed (No module named 'ujson'), using json",
    "DEBUG:root:fallback: No module named 'ujson'",
    "optional speedups not installed (No module named 'ujson'), using json",
    "WARNING:root:cache disabled: No module named 'redis'",
    "test_import_error_is_reported (tests.test_health.HealthTest) ... ok",
    "FAILED tests/test_health.py::test_names - NameError: name 'x' is not defined",
    "SELECT * FROM log WHERE message LIKE '%name ''x'' is not defined%'",
    "SELECT 1 FROM l WHERE m = \"name 'x' is not defined\"",
    "GET /search?q=No module named 'x' HTTP/1.1",
    "user asked: why do I get NameError: name 'x' is not defined in my notebook?",
    "ValueError: name 'x' is not defined",
    "ERROR:root:ConfigError: name 'x' is not defined",
    "ERROR:root:PluginImportError: No module named 'x'",
    "mypkg.errors.NameError: name 'x' is not defined",
    "AttributeError: 'NoneType' object has no attribute 'value'",
    "AttributeError: type object 'A' has no attribute 'foo'",
    "ReferenceError: invoice is not defined\n    at closeInvoice (/workspace/index.js:14:3)",
    "NameError: name 'x' is not defined\n    at evalmachine.<anonymous>:1:1",
    "app.rb:7:in `render': undefined local variable or method `palette' for main:Object (NameError)",
    "SyntaxError: Unexpected token '}'\n    at wrapSafe (node:internal/modules/cjs/loader:1281:20)",
    "ERROR: /src/app/BUILD:3:1: name 'py_librry' is not defined",
    "404 Not found: Table check skipped (dry run)",
    "INFO:root:Table p-x:ds.t not found, creating it",
    "ERROR:root:404 Not found: Dataset p-x:ds was not found in location US",
    "ERROR:root:404 No such object: media/a.jpg",
    "ImportError: sys.meta_path is None, Python is likely shutting down",
    "Loaded handler class MyNameErrorHandler for queue invoices",
    "Container called exit(1).",
    "Unexpected NameError in user script was contained",
    "ERROR:root:unknown column name 'x' is not defined_in schema",
    "INFO:chat:Failed: name 'x' is not defined",
    "Warning: could not import x: No module named 'x'",
    "E   NameError: name 'x' is not defined",
    "tests/test_a.py:12: NameError",
    "| NameError | name 'x' is not defined | raised when |",
    "Question: why does it say ImportError: No module named 'x'?",
    "raise NameError(\"name 'x' is not defined\")",
    'psycopg2.errors.SyntaxError: syntax error at or near "x"',
    "ERROR:root:chat message from user: \"NameError: name 'x' is not defined\"",
    "ERROR:x:Column name 'x' is not defined in table",
    "ERROR:x:template error: variable 'x' is not defined",
    "ERROR: Could not find a version that satisfies the requirement zzz (from versions: none)",
    "Error: Cannot find module 'express'\nRequire stack:\n- /workspace/index.js",
    "404 Not found: Job p:US.job_1",
    "HTTP 404: Not Found: Tablet",
    "python3: error while loading shared libraries: libpython3.11.so.1.0: cannot open shared object file",
    "SyntaxError: invalid syntax (<string>, line 1)",
    "SyntaxError: invalid syntax",
    "assert_raises(NameError(\"name 'x' is not defined\"), save)",
    "Known texts: (\"name 'x' is not defined\", \"No module named 'y'\")",
    "Warning: Could not import 'ujson'.",
    "Error: Could not import 'rows.csv' into table x",
    "I0126 09:07:04.960123 17 main.py:12] failed to use speedups: No module named 'ujson'",
    "ERROR:root:POST https://billing-abc.a.run.app/ returned 500: name 'x' is not defined",
    "upstream failed: HTTP 500: NameError: name 'x' is not defined",
    "yaml.constructor.ConstructorError: could not determine a constructor: name 'x' is not defined",
    "{'title': \"name 'x' is not defined\", 'error_count': 0}",
]
PLAYED_DOWN = [
    "INFO:root:optional speedups not installed (No module named 'ujson'), using json",
    "WARNING:root:cache disabled: No module named 'redis'",
    "2026-01-26 09:07:04,960 - worker - INFO - no codec: No module named 'ujson'",
    "[2026-01-26 09:07:04 +0000] [7] [INFO] no codec: No module named 'ujson'",
    "W0126 09:07:04.960123 17 main.py:12] no codec: No module named 'ujson'",
]


@pytest.mark.parametrize("line", list(REPORTED))
def test_a_message_that_names_what_is_broken_is_a_handled_failure(line: str) -> None:
    """The class and the name are recovered from the words; there is no location."""
    failures = scan([entry(line)]).failures
    assert [(f.exception, f.name, f.file, f.line, f.function, f.count) for f in failures] == [
        (*REPORTED[line], None, None, None, 1)
    ]


def test_a_line_may_name_two_failures() -> None:
    """As the outage's functions logged it when both places to record in were broken."""
    line = "ERROR:t:Both writes failed: name 'firestore' is not defined; No module named 'shared.utils'"
    failures = scan([entry(line)]).failures
    assert [(f.exception, f.name, f.count) for f in failures] == [
        ("ModuleNotFoundError", "shared.utils", 1),
        ("NameError", "firestore", 1),
    ]


@pytest.mark.parametrize("line", PLAYED_DOWN)
def test_a_loggers_own_level_counts_where_all_of_stderr_is_an_error(line: str) -> None:
    """Python's compatible mode of 3.7 and some agents mark whatever comes on stderr as ERROR."""
    assert scan([entry(line, severity="ERROR")]).failures == ()
    loud = "Failed in the INFO stage: No module named 'ujson'"
    assert [one.name for one in scan([entry(loud, severity="ERROR")]).failures] == ["ujson"]


@pytest.mark.parametrize("line", IGNORED)
def test_text_that_only_looks_like_a_failure_is_ignored(line: str) -> None:
    """Ordinary text, other languages, other classes, other things that are missing."""
    assert scan([entry(line)]).failures == ()
