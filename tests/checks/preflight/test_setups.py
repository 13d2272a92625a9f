"""What setuptools' files declare, and what they do not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from checks.preflight.shipped.setups import of_setup
from tests.support.preflight import line, report, write

# name: (files, requirement lines)
SETUPS: dict[str, tuple[dict[str, str], list[str] | None]] = {
    "literals": (
        {
            "setup.py": """\
                import setuptools
                NEEDED = ['requests', 'pytz>=2020']
                setuptools.setup(name='x', install_requires=NEEDED, extras_require={'dev': ['pytest']})
                """
        },
        ["requests", "pytz>=2020", "pytest ; extra == 'dev'"],
    ),
    "computed": (
        {"setup.py": "from setuptools import setup\nsetup(install_requires=open('r.txt').readlines())\n"},
        None,
    ),
    "given as a whole": ({"setup.py": "from setuptools import setup\nsetup(**args)\n"}, None),
    "of an older Python": ({"setup.py": "print 'x'\n"}, None),
    "setup.cfg": (
        {
            "setup.py": "from setuptools import setup\nsetup()\n",
            "setup.cfg": "[options]\ninstall_requires =\n  requests\n  pytz\n[options.extras_require]\ndev = pytest\n",
        },
        ["requests", "pytz", "pytest ; extra == 'dev'"],
    ),
    "setup.cfg of another tool": ({"setup.cfg": "[flake8]\nmax-line-length = 100\n"}, None),
    "setup.cfg that is none": ({"setup.cfg": "nonsense\n"}, None),
    "egg-info": (
        {
            "x.egg-info/requires.txt": "requests\n\n[:python_version < '3.8']\nzipp\n\n[dev]\npytest\n",
            "setup.py": "setup(install_requires=['other'])\n",
        },
        ["requests", "zipp ; (python_version < '3.8')", "pytest ; extra == 'dev'"],
    ),
    "nothing": ({"a.py": ""}, None),
}


@pytest.mark.parametrize("name", SETUPS)
def test_what_setuptools_is_told(name: str, tmp_path: Path) -> None:
    """Literals are read; what is computed is not guessed."""
    files, expected = SETUPS[name]
    found = of_setup(write(tmp_path, files))
    assert (found if found is None else [text for text, _ in found]) == expected


def test_a_package_needs_what_its_project_declares(tmp_path: Path) -> None:
    """Not what the requirements of its developers bring; those count as extras."""
    files = {
        "setup.py": "from setuptools import setup\nsetup(install_requires=['requests'])\n",
        "requirements.txt": "requests\npytz\n",
        "requirements-dev.txt": "pandas\n",
        "pkg/__init__.py": "import requests, pytz\nfrom pkg import more\nimport pandas\n",
        "pkg/more.py": "try:\n    import yaml\nexcept ImportError:\n    yaml = 1\n",
        "pkg/plots.py": "import pandas\n",
    }
    package = packages.of_folder(write(tmp_path, files) / "pkg")
    assert [line(f) for f in report(package, tmp_path).findings] == [
        "load undeclared pkg/__init__.py:1 pytz",
        "load undeclared pkg/__init__.py:3 pandas",
    ]


def test_an_installed_package_in_a_namespace_is_imported_by_its_whole_name(tmp_path: Path) -> None:
    """It is its distribution that says so."""
    files = {
        "acme/cloud/thing/__init__.py": "from acme.cloud.thing import inner\n",
        "acme/cloud/thing/inner.py": "import pkg_resources\nfrom acme.cloud.thing.nope import x\n",
        "acme_thing-1.dist-info/METADATA": "Name: acme-thing\nRequires-Dist: requests\n",
        "acme_thing-1.dist-info/RECORD": "acme/cloud/thing/__init__.py,,\nacme/cloud/thing/inner.py,,\n",
        "acme_thing-1.dist-info/top_level.txt": "acme\n",
    }
    package = packages.of_folder(write(tmp_path, files) / "acme/cloud/thing")
    assert [line(f) for f in report(package, tmp_path, target=(3, 12)).findings] == [
        "load undeclared acme/cloud/thing/inner.py:1 pkg_resources",
        "load missing_module acme/cloud/thing/inner.py:2 acme.cloud.thing.nope",
    ]
