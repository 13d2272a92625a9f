"""``preflight:`` in ``config.yaml``: which packages are deployed how, and what must not be imported in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from checks.fields import Day, ListOf, LocalPath, matching
from checks.mistakes import Mistake, Section
from checks.preflight.rules import Forbidden, contradictions

_MODULE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_VERSION = r"3\.\d{1,2}"
ModuleName = Annotated[str, matching(_MODULE, "the name of a module", "dotted, as it is imported: shared.utils")]
PythonVersion = Annotated[str, matching(_VERSION, "a version of Python", 'two numbers in quotes: "3.11"')]
InPackage = Annotated[
    str, matching(r"(?!/)(?!.*\.\.).*", "a path in the package", "relative to the package's root, without ..")
]


class CopySettings(Section):
    """One file or folder that is put into the package."""

    from_: LocalPath = Field(alias="from", description="file or folder of the repository")
    to: InPackage = Field(default="", description="where it lies in the package; its root if left out")


class PackageSettings(Section):
    """One package as it is deployed: a folder with what is laid over it, or a Dockerfile."""

    name: str = Field(min_length=1, description="name of the package, that of the deployed function for instance")
    source: LocalPath | None = Field(default=None, description="folder that is deployed")
    dockerfile: LocalPath | None = Field(default=None, description="Dockerfile, instead of source")
    context: LocalPath | None = Field(default=None, description="build context of the dockerfile; found if left out")
    copy_: ListOf[CopySettings] = Field(default=(), alias="copy", description="what is copied in, in this order")
    exclude: ListOf[str] = Field(default=(), description="what is left out, as in .gitignore")
    symlinks: Literal["follow", "keep"] = Field(
        default="follow", description="follow: shipped as what they point to; keep: a link out of the folder is broken"
    )
    entry: str | None = Field(default=None, description="file or module that is run or imported first; default main.py")
    requirements: LocalPath | None = Field(
        default=None, description="requirements file; default requirements.txt in it"
    )
    python: PythonVersion | None = Field(default=None, description="version that it runs on")

    def contradictions(self) -> Iterator[Mistake]:
        """A package of nothing, or of two things."""
        if (self.source is None) == (self.dockerfile is None):
            yield Mistake(message="a package is made from either source or dockerfile", hint="give one of them")
        if self.context is not None and self.dockerfile is None:
            yield Mistake(message="only a dockerfile has a build context", at=("context",))


class ForbidSettings(Section):
    """One import that must not be made."""

    import_: ModuleName = Field(alias="import", description="module that must not be imported, with all below it")
    use: ModuleName | None = Field(default=None, description="what to import instead")
    in_: ListOf[str] = Field(default=(), alias="in", description="patterns of files in which it holds; all if left out")
    owner: str | None = Field(default=None, description="whom to ask")
    expires: Day | None = Field(default=None, description="first day on which it no longer holds")
    reason: str | None = Field(default=None, description="why")

    def to_rule(self) -> Forbidden:
        """The value meant."""
        return Forbidden(
            module=self.import_,
            use=self.use,
            within=self.in_,
            owner=self.owner,
            expires=self.expires,
            reason=self.reason,
        )


class PreflightSettings(Section):
    """What ``phasewatch preflight`` looks at."""

    python: PythonVersion | None = Field(default=None, description="version for packages that name none")
    packages: ListOf[PackageSettings] = Field(default=(), description="the packages; found on disk if left out")
    forbid: ListOf[ForbidSettings] = Field(default=(), description="imports that must not be made")
    baseline: LocalPath | None = Field(default=None, description="file with old findings that are passed over")

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:
        """Rules that forbid their own replacement, and packages of the same name."""
        yield from super().examine(raw, folder)
        names: dict[str, int] = {}
        for index, item in enumerate(_list(raw.get("packages"))):
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str) and names.setdefault(name, index) != index:
                message = f"the same name as packages[{names[name]}]"
                yield Mistake(message=message, at=("packages", index, "name"))
        rules, places = [], []
        for index, item in enumerate(_list(raw.get("forbid"))):
            module, use = (item.get("import"), item.get("use")) if isinstance(item, dict) else (None, None)
            if isinstance(module, str) and re.fullmatch(_MODULE, module) and isinstance(use, str | None):
                within = tuple(text for text in _list(item.get("in")) if isinstance(text, str))
                rules.append(Forbidden(module=module, use=use, within=within))
                places.append(index)
        for index, message in contradictions(rules):
            yield Mistake(message=message, at=("forbid", places[index], "use"))

    def to_rules(self) -> tuple[Forbidden, ...]:
        """The rules meant."""
        return tuple(item.to_rule() for item in self.forbid)


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
