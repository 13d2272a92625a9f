"""Slack's rules for what a message may hold, and what a person reads in it; for the Slack server of the tests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


class RefusalError(Exception):
    """An answer with ``ok: false``."""

    def __init__(self, code: str, **fields: str) -> None:
        super().__init__(code)
        self.fields = {"error": code, **fields}


def as_object(value: Any) -> Any:
    """A structure, which forms carry as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


def as_flag(value: Any) -> bool:
    return value in (True, 1, "1", "true")


def content(arguments: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    """Text, blocks and attachments within Slack's limits."""
    text = str(arguments.get("text") or "")
    blocks = as_object(arguments.get("blocks")) or []
    attachments = as_object(arguments.get("attachments")) or []
    if not (text or blocks or attachments):
        raise RefusalError("no_text")
    if len(blocks) > 50 or not all(_is_legal(block) for block in blocks):
        raise RefusalError("invalid_blocks")
    if sum(len(text) for block in blocks for text in _texts(block)) > 10_000:
        raise RefusalError("msg_blocks_too_long")
    return text[:40_000], blocks, attachments


def _is_legal(block: dict[str, Any]) -> bool:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": str(text)}}:
            return 1 <= len(text) <= 150
        case {"type": "section"} if "text" in block or "fields" in block:
            fields = block.get("fields", [])
            in_text = all(1 <= len(t["text"]) <= 3_000 for t in [block["text"]] if t) if "text" in block else True
            return in_text and len(fields) <= 10 and all(1 <= len(f["text"]) <= 2_000 for f in fields)
        case {"type": "context", "elements": list(elements)}:
            return 1 <= len(elements) <= 10 and all(1 <= len(e["text"]) <= 3_000 for e in elements)
        case {"type": "divider"}:
            return True
        case _:
            return False


def _texts(block: Mapping[str, Any]) -> list[str]:
    inside = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
    return [str(part["text"]) for part in inside if part]


_LINK = re.compile(r"<([^|>]+)\|([^>]*)>")
_LABEL = re.compile(r"^\*([^*\n]+)\*\n")
_BOLD = re.compile(r"^\*([^*\n]+)\*")


def plain_lines(text: str, blocks: list[dict[str, Any]]) -> list[str]:
    """Blocks (or, without any, text) as lines: ``*Label*`` above a text becomes ``Label: text``, code is set in, links
    read ``label (url)``, entities are what they stand for.
    """
    lines: list[str] = []
    for part in [part for block in blocks for part in _texts(block)] or [text]:
        shown = _LINK.sub(r"\2 (\1)", _BOLD.sub(r"\1", _LABEL.sub(r"\1: ", part)))
        code = False
        for line in shown.split("\n"):
            before, fence, after = line.partition("```")
            if not fence:
                lines.append(("  " if code else "") + line)
            else:
                code = not code
                lines.extend([before.rstrip()] if before.strip() else [])
                lines.extend([after] if after.strip() else [])
    return [line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for line in lines]
