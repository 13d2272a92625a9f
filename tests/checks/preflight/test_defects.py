"""From a failure that was seen to the same defect elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.defects import Defect, defect_of, proposal
from checks.preflight.model import Effect, Finding, Kind
from tests.support.preflight import write


def finding(kind: Kind, symbol: str, effect: Effect = Effect.RUN) -> Finding:
    """One finding."""
    return Finding(file="f.py", source=None, line=1, symbol=symbol, kind=kind, effect=effect, message="")


@pytest.mark.parametrize(
    ("fingerprint", "kind", "symbol", "same"),
    [
        ("log:f:NameError:firestore:a.py", Kind.UNDEFINED, "firestore", True),
        ("log:f:NameError:firestore:a.py", Kind.TYPING_ONLY, "firestore", True),
        ("log:f:NameError:firestore:a.py", Kind.UNDECLARED, "google.cloud.firestore", False),
        ("log:f:NameError:fire:a.py", Kind.UNDEFINED, "firestore", False),
        ("log:f:ModuleNotFoundError:shared.utils:a.py", Kind.NOT_SHIPPED, "shared.utils.tracker", True),
        ("log:f:ModuleNotFoundError:shared.utils:a.py", Kind.MISSING_MODULE, "shared.utilities", False),
        ("log:f:ImportError:firestore:a.py", Kind.UNDECLARED, "google.cloud.firestore", True),
    ],
)
def test_a_finding_is_the_same_defect(fingerprint: str, kind: Kind, symbol: str, same: bool) -> None:
    """By what was not there."""
    defect = defect_of(fingerprint)
    assert defect is not None
    assert defect.is_in(finding(kind, symbol)) is same
    assert not defect.is_in(finding(kind, symbol, Effect.NEVER))


@pytest.mark.parametrize("other", ["phase:nba:phase3:2026-01-25", "log:f:ValueError:run():a.py", "blind:logs"])
def test_other_faults_are_no_defects(other: str) -> None:
    """Nothing that preflight finds."""
    assert defect_of(other) is None


def test_the_proposed_rule_names_the_one_replacement_there_is(tmp_path: Path) -> None:
    """None if there are two, or none."""
    defect = Defect(service="f", exception="ModuleNotFoundError", name="shared.utils")
    assert proposal(defect, tmp_path) == (
        "preflight:\n  forbid:\n    - import: shared.utils\n      reason: failed in f"
    )
    write(tmp_path, {"orchestration/shared/utils/__init__.py": "", "shared/utils/__init__.py": ""})
    assert proposal(defect, tmp_path) == (
        "preflight:\n  forbid:\n    - import: shared.utils\n      use: orchestration.shared.utils\n"
        '      in: ["orchestration/**"]\n      reason: failed in f'
    )
    assert proposal(Defect(service="f", exception="NameError", name="x.y"), tmp_path) is None
