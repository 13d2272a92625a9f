"""What is left out of the BigQuery library is left out for the thread that imports it, and for no other."""

from __future__ import annotations

import subprocess
import sys

MEANWHILE = """
import sys, threading
from checks.bigquery_library import import_bigquery

def other():
    import opentelemetry.trace
    print("imported", opentelemetry.trace.__name__)

def meanwhile(event, args):
    if event == "import" and args[0] == "google.cloud.bigquery.client":
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

sys.addaudithook(meanwhile)
import_bigquery()
import google.cloud.bigquery
"""


def test_another_thread_may_import_what_is_left_out() -> None:
    """The watcher's checks load the libraries of BigQuery and Cloud Logging at the same time, each in its thread."""
    ran = subprocess.run([sys.executable, "-c", MEANWHILE], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == ("imported opentelemetry.trace\n", 0), ran.stderr
