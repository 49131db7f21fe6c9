"""The page on strategies shows definitions that can be run, and the words the house has for them."""

import json
import re

import pytest

from tests.house.source import ROOT
from tradehall.strategies.reading import parse
from tradehall.strategies.text import definition_text

PAGE = (ROOT / "docs" / "strategies.md").read_text(encoding="utf8")
EXAMPLES = re.findall(r"```json\n(.*?)```\n\n> (.*?)\n", PAGE, re.DOTALL)


@pytest.mark.parametrize(("definition", "text"), EXAMPLES)
def test_an_example_is_said_as_the_page_says(definition: str, text: str):
    assert definition_text(parse(json.loads(definition))) == text


def test_every_example_of_the_page_is_read():
    assert len(EXAMPLES) == PAGE.count("```json") >= 6
