"""What really fails in a package, found by running it: the truth that ``preflight_mutations.py`` compares with.

    python bench/preflight_oracle.py ROOT MODULE...

Every module is imported, and what that raises is noted at the innermost line of the package. Then the compiled code
of every function is read for the globals, their attributes (of modules, classes and functions) and lazy imports that
it would ask for, and each is asked of the living module. Shares nothing with phasewatch. Prints as JSON ``failures``,
a list of ``[file, line, what]``, ``loaded``, the files that were imported to their end, and ``beside``, the places
``[file, line]`` that fail as well, because of one of the failures.
"""

from __future__ import annotations

import builtins
import dis
import importlib
import io
import json
import os
import sys
import traceback
import types
import warnings
from pathlib import Path

ROOT = os.path.abspath(sys.argv[1])  # noqa: PTH100 - links stay as they are
FAILURES: set[tuple[str, int, str]] = set()
LOADED: list[str] = []
BESIDE: set[tuple[str, int]] = set()
BROKEN: set[str] = set()  # modules that could not be imported: what they lack is no news
KINDS = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType)  # what is asked for its attributes


def inside(path: str | None) -> str | None:
    """The path in the package."""
    if not path:
        return None
    real = os.path.abspath(path)  # noqa: PTH100
    return os.path.relpath(real, ROOT) if real.startswith(ROOT + os.sep) else None


def note(error: BaseException) -> bool:
    """Keep what was raised at its innermost line in the package; whether there is one."""
    if isinstance(error, SyntaxError) and inside(error.filename):
        FAILURES.add((inside(error.filename) or "", error.lineno or 1, "SyntaxError"))
        return True
    if "partially initialized" in str(error) and FAILURES:
        return True  # what an earlier failure left behind
    place = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = inside(frame.f_code.co_filename)
        if file:
            place = (file, line)
            BESIDE.add(place)
    if place:
        FAILURES.add((*place, f"{type(error).__name__}: {str(error)[:80]}"))
    before = error.__cause__ or error.__context__
    if isinstance(before, (ImportError, NameError, AttributeError)):
        note(before)  # turned into another error: both places are right
    return place is not None


def load(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the answer
        note(error)
        BROKEN.add(name)
        return None


def functions(code: types.CodeType):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_flags & 1:  # optimized: a function, not a class body
                yield constant
            yield from functions(constant)


def read(code: types.CodeType, module: types.ModuleType, file: str) -> None:
    """What one function asks for that is not there."""
    names, missing = vars(module), object()
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG", "PRECALL")]
    value: object = missing  # what the instruction before left, where that is known
    for index, step in enumerate(steps):
        line = step.positions.lineno if step.positions else None
        line = line or code.co_firstlineno
        if step.opname == "LOAD_GLOBAL":
            value = names.get(step.argval, getattr(builtins, step.argval, missing))
            if value is missing:
                FAILURES.add((file, line, f"name {step.argval}"))
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(value, KINDS):
            if not hasattr(value, step.argval) and value.__name__ not in BROKEN:
                FAILURES.add((file, line, f"attribute {value.__name__}.{step.argval}"))
            value = getattr(value, step.argval, missing)
        elif step.opname == "IMPORT_NAME":
            lazy(steps, index, module, file, line)
            value = missing
        else:
            value = missing


def lazy(steps, index: int, module: types.ModuleType, file: str, line: int) -> None:
    asked, level = steps[index - 1].argval or (), steps[index - 2].argval
    spec = {"__package__": module.__package__, "__name__": module.__name__, "__spec__": module.__spec__}
    try:
        found = __import__(steps[index].argval, spec, None, asked, level)
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the answer
        BESIDE.add((file, line))
        if not note(error):  # not within the imported module: it is this import that fails
            FAILURES.add((file, line, f"{type(error).__name__}: {str(error)[:80]}"))
        return
    for name in asked:
        if name != "*" and not hasattr(found, name):
            FAILURES.add((file, line, f"no {steps[index].argval}.{name}"))


def main() -> None:
    sys.path.insert(0, ROOT)
    sys.dont_write_bytecode = True
    sys.setswitchinterval(10)
    warnings.simplefilter("ignore")
    real, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
    sys.argv = sys.argv[:1] + sys.argv[2:]
    wanted = sys.argv[1:]
    sys.argv = sys.argv[:1]
    for name in wanted:
        load(name)
    for name in wanted:
        module = sys.modules.get(name)
        file = inside(getattr(module, "__file__", None))
        if module is None or file is None or not file.endswith(".py"):
            continue
        LOADED.append(file)
        code = compile(Path(ROOT, file).read_bytes(), file, "exec", dont_inherit=True)
        for function in functions(code):
            read(function, module, file)
    real.write(json.dumps({"failures": sorted(FAILURES), "loaded": LOADED, "beside": sorted(BESIDE)}))
    real.flush()
    os._exit(0)


main()
