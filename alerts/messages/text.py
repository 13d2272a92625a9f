"""Text that came from logs, made fit to leave the process: cleaned, redacted, shortened. Pure.

Use them in this order, ``shorten(redact(clean(text)), limit)``: an invisible character inside a secret would hide it
from ``redact``, and a cut through a secret would leave its recognisable half behind. All take time linear in the length
of the text, whatever it holds. Escaping is not done here: each channel has its own.
"""

from __future__ import annotations

import re

MASK = "***"

# --- clean ---------------------------------------------------------------------------------------------------------

# ECMA-48: CSI sequences (colours, cursor), then OSC, DCS, PM and APC strings (titles, links), then two-byte escapes.
# A string that is not terminated must not hide what follows: only its introducer goes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])(?:[^\x00-\x1f\x7f-\x9f]*+(?:\x07|\x1b\\|\x9c))?"
    r"|\x1b[ -/]*+[0-~]?"
)
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, and what is invisible or turns the direction of reading: Unicode's Cc and Cf, tag characters included.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without terminal escapes, control characters, zero-width characters and bidirectional overrides.

    Line ends of every kind become a newline and stay, tabs become four spaces, lone surrogates (which no encoder
    accepts) the replacement character.
    """
    text = _ESCAPES.sub("", text)
    text = _LINE_ENDS.sub("\n", text).replace("\t", "    ")
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text))


# --- redact --------------------------------------------------------------------------------------------------------

_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# The body of a key whose end was cut off. Inside JSON its line ends are a backslash and an n.
_PEM_BODY = re.compile(r"(?:(?:\s|\\++[nr])*+[A-Za-z0-9+/=]{16,}+)*+(?:(?:\s|\\++[nr])*+[A-Za-z0-9+/]{1,15}={1,2})?")

_NAMES = (
    r"pass(?:word|wd|phrase)|(?<![a-z])pwd|secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret|private[_-]?key(?:[_-]?id)?"
    r"|access[_-]?key(?:[_-]?id)?|account[_-]?key|api[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key"
    r"|token|credentials?"
)
# A quoted value up to its quote or the line's end, one in quotes that are themselves escaped, or a bare word.
_VALUE = (
    r"""(?P<value>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?"""
    r"""|\\++["'][^"'\\\n]*+(?:\\++["'])?|[^\s"'&;,\\][^\s"'&;,]*+)"""
)
_QUOTE = re.compile(r"\\*+[\"']")
# ``token=None`` and the like say that a secret is missing, which is what a reader needs to know.
_NAMED = re.compile(
    rf"""(?i)(?P<before>(?:{_NAMES})\\{{0,3}}["']?\]?[ \t]{{0,8}}(?:=>|[:=])[ \t]{{0,8}}(?:[rbuf]{{0,2}}(?=["']))?)"""
    rf"""(?!\*\*\*|(?:none|null|nil|undefined|true|false|""|'')(?![\w.-])){_VALUE}"""
)
_OPTION = re.compile(rf"(?i)(?<![\w-])(?P<before>--?(?:[a-z]{{1,20}}-){{0,3}}(?:{_NAMES})[ ]{{1,4}})(?!-){_VALUE}")
_HEADER = re.compile(
    r"""(?i)\b((?:proxy-)?authorization\\{0,3}["']?[ ]{0,4}[:=][ ]{0,4}\\{0,3}["']?"""
    r"""(?:(?:basic|bearer|digest|token|apikey)[ ]{1,4})?)[^\s"'\\]++"""
)
_COOKIE = re.compile(r"""(?i)\b((?:set-)?cookie\\{0,3}["']?[ ]{0,4}:[ ]{0,4}\\{0,3}["']?)[^\s"'\\][^"'\\\n]*+""")
_BEARER = re.compile(r"(?i)\b(bearer(?:[ ]{1,4}|%20))[A-Za-z0-9._~+/=-]{6,}+")
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?")
_WEBHOOK = re.compile(r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/)[^\s\"'<>|)\\]++")
# What is recognised by its own first letters, whatever stands around it.
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])("
    r"xox[a-z](?:\.xox[a-z])?-(?=[A-Za-z0-9-]{6})|xapp-(?=[A-Za-z0-9-]{6})"  # Slack
    r"|AIza(?=[A-Za-z0-9_-]{16})|ya29\.(?=[A-Za-z0-9._-]{6})|GOCSPX-(?=[A-Za-z0-9_-]{6})"  # Google
    r"|1//0(?=[A-Za-z0-9_-]{16})"  # Google, refresh tokens
    r"|(?:AKIA|ASIA)(?=[A-Z0-9]{12})"  # AWS
    r"|gh[a-z]_(?=[A-Za-z0-9]{16})|github_pat_(?=[A-Za-z0-9_]{16})|glpat-(?=[A-Za-z0-9_-]{16})"  # GitHub, GitLab
    r"|sk-(?=[A-Za-z0-9_-]{20})|[sr]k_(?:live|test)_(?=[A-Za-z0-9]{10})|pypi-(?=[A-Za-z0-9_-]{20})|npm_(?=[A-Za-z0-9]{20})"
    r"|SG\.(?=[A-Za-z0-9_-]{16})"
    r")[A-Za-z0-9._/-]++"
)
# The user and password of a URL end at the last @ before its path.
_USERINFO = re.compile(r"""(://)([^\s/@:"'<>]*+)(:?)[^\s/"'<>]*@""")
_SIGNED = re.compile(
    r"(?i)([?&;](?:x-(?:goog|amz)-(?:signature|credential|security-token)|sig|signature|key|code|auth|jwt"
    r"|(?:[a-z]{1,10}_)?(?:token|secret|key|password))=)[^\s&#\"'<>|\\]++"
)


def redact(text: str) -> str:
    """The text with secrets replaced by ``***``: keys, tokens, passwords, cookies, signed URLs, whole PEM blocks.

    The name, prefix or scheme in front of a secret stays, so that a reader sees what stood there. When in doubt it
    redacts: ``token: unexpected`` loses a word. Applying it twice changes nothing.
    """
    text = _without_keys(text)
    text = _WEBHOOK.sub(rf"\1{MASK}", text)
    text = _USERINFO.sub(_hide_userinfo, text)
    text = _HEADER.sub(rf"\1{MASK}", text)
    text = _COOKIE.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _PREFIXED.sub(rf"\1{MASK}", text)
    text = _SIGNED.sub(rf"\1{MASK}", text)
    text = _NAMED.sub(_hide_value, text)
    return _OPTION.sub(_hide_value, text)


def _without_keys(text: str) -> str:
    """Private keys from their first line to their last, or as far as they go where the last line is missing."""
    parts = []
    done = 0
    closed = True  # once no END follows, none will follow later either: do not look again
    while (begin := _PEM_BEGIN.search(text, done)) is not None:
        end = _PEM_END.search(text, begin.end()) if closed else None
        closed = end is not None
        parts.append(text[done : begin.start()] + MASK)
        rest = end or _PEM_BODY.match(text, begin.end())
        done = begin.end() if rest is None else rest.end()
    return "".join(parts) + text[done:]


def _hide_value(found: re.Match[str]) -> str:
    """The mask, in the quotes in which the value stood, so that JSON stays JSON."""
    value = found["value"]
    quote = _QUOTE.match(value)
    if quote is None:
        return found["before"] + MASK
    closed = value.endswith(quote[0]) and len(value) >= 2 * len(quote[0])
    return found["before"] + quote[0] + MASK + (quote[0] if closed else "")


def _hide_userinfo(found: re.Match[str]) -> str:
    """``://user:***@`` where there is a user and a password, ``://***@`` where a token stands alone."""
    return f"{found[1]}{found[2]}:{MASK}@" if found[3] else f"{found[1]}{MASK}@"


# --- shorten, quoted -----------------------------------------------------------------------------------------------


def shorten(text: str, limit: int) -> str:
    """The text in at most ``limit`` characters; a cut is shown by ``…``, which counts.

    :raises ValueError: for a limit below 1.
    """
    if limit < 1:
        raise ValueError(f"no text fits into {limit} characters")
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    # Half of a surrogate pair cannot be encoded.
    if kept and "\ud800" <= kept[-1] <= "\udbff":
        kept = kept[:-1]
    return kept.rstrip() + "…"


def is_quoted(label: str, text: str) -> bool:
    """Whether a fact of a message is quoted machine text (a log sample, a traceback), to be shown as it stands.

    That is what is called ``Log``, and any text with an indented line.
    """
    return label == "Log" or "\n " in text
