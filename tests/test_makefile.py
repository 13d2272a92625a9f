"""The two commands that matter start on any machine, and again after somebody stopped them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_an_environment_whose_making_was_interrupted_is_completed(tmp_path: Path) -> None:
    """Ctrl-C in the first seconds leaves a Python without pip."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").touch()

    def planned() -> str:
        command = ["make", "--dry-run", "install"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "python3 -m venv .venv" in planned()
    (programs / "pip").touch()
    assert "-m venv" not in planned()
