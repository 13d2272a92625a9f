"""The JSON Schema of ``config.yaml``, for editors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from alerts.secret import Secret
from checks.fields import duration_text
from monitor.config.settings import Config

_VARIABLE = {
    "description": "an environment variable: ${NAME}, or ${NAME:-default}",
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
}
# What text of any form cannot satisfy: there a variable needs a mention of its own.
_NARROW = {"enum", "const", "pattern"}
_NAMED = {"properties", "patternProperties", "$defs"}
# What these require is filled in from `var` before they are judged.
_FILLED_IN = ("StateSettings", "EmbeddedSettings")


class _Schema(GenerateJsonSchema):
    """Writes defaults as they would stand in the file."""

    def encode_default(self, dft: Any) -> Any:
        """One default."""
        if isinstance(dft, timedelta):
            return duration_text(dft)
        return dft.shown() if isinstance(dft, Secret) else super().encode_default(dft)


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. A variable may stand for any scalar, as in the file."""
    described = _with_variables(Config.model_json_schema(schema_generator=_Schema))
    for part in (described, *(described["$defs"][name] for name in _FILLED_IN)):
        del part["required"]
    described["$defs"]["Variable"] = _VARIABLE
    described["title"] = "phasewatch configuration"
    return {"$schema": GenerateJsonSchema.schema_dialect, **described}


def _with_variables(node: Any) -> Any:
    """The schema in which each narrow scalar may also be written as a variable."""
    if isinstance(node, list):
        return [_with_variables(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in ("integer", "boolean") or (_NARROW & node.keys() and "properties" not in node):
        outside = {key: node[key] for key in ("title", "description", "default") if key in node}
        inside = {key: value for key, value in node.items() if key not in outside}
        return {**outside, "anyOf": [inside, {"$ref": "#/$defs/Variable"}]}
    return {
        # Below these stand names of settings, and a setting may be called `pattern`.
        key: {name: _with_variables(item) for name, item in value.items()} if key in _NAMED else _with_variables(value)
        for key, value in node.items()
    }
