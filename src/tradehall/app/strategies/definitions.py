"""Definitions as the services take them: judged, with all problems at once."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid_fields
from tradehall.strategies.definition import Definition, DefinitionError, Problem
from tradehall.strategies.reading import parse, validate

JSON_BYTES_MAX: Final = 65_536


def problems_of(raw: Any, symbols: Collection[str]) -> list[Problem]:
    """All that keeps a definition from being run; empty: nothing."""
    if (too_long := _too_long(raw)) is not None:
        return [too_long]
    return validate(raw, symbols)


def checked_definition(raw: dict[str, Any], symbols: Collection[str], *, is_draft: bool) -> None:
    """StudioRefused for what cannot be run; a draft may be anything of a bounded length."""
    too_long = _too_long(raw)
    problems = [too_long] if too_long is not None else [] if is_draft else validate(raw, symbols)
    if problems:
        raise invalid_fields([(_below("definition", problem.path), problem.problem) for problem in problems])


def read_definition(raw: dict[str, Any], symbols: Collection[str]) -> Definition:
    """What a kept definition means today; StudioRefused where it means nothing any more."""
    try:
        return parse(raw, symbols)
    except DefinitionError as error:
        problems = [{"path": problem.path, "problem": problem.problem} for problem in error.problems]
        raise StudioRefused(
            StudioCode.NOT_DEPLOYABLE, f"the definition cannot be run: {error}", {"problems": problems}
        ) from None


def _too_long(raw: Any) -> Problem | None:
    size = len(msgspec.json.encode(raw))
    if size <= JSON_BYTES_MAX:
        return None
    return Problem("", f"has {size} bytes of JSON, {JSON_BYTES_MAX} are the most")


def _below(root: str, path: str) -> str:
    if not path:
        return root
    return f"{root}{path}" if path.startswith("[") else f"{root}.{path}"
