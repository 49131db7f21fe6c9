"""The checks of the gate find what they look for."""

from pathlib import Path

import pytest

from tools.check_docs import complaints_about, typed_lines
from tools.count_tests import count


@pytest.mark.parametrize(("what", "text", "complaint"), [
    ("a link to a file",          "[a](other.md)",                           None),
    ("a link to a heading",       "[a](other.md#2-the-life-of-an-order)",    None),
    ("a link into the world",     "[a](https://example.org/nowhere)",        None),
    ("a link shown as code",      "`[a](nowhere.md)`",                       None),
    ("a link to nothing",         "[a](nowhere.md)",                         "leads nowhere"),
    ("a link to no heading",      "[a](other.md#3-the-life-of-a-quote)",     "names a heading"),
    ("python that compiles",      "```python\nawait desk.submit(order)\n```", None),
    ("python that does not",      "```python\nawait desk.submit(\n```",      "python block is not valid"),
    ("a shell that quotes badly", "```bash\necho 'one\n```",                 "bash block is not valid"),
    ("what a console answers",    "```console\n$ make run\nit's up\n```",    None),
    ("toml with half a table",    "```toml\n[tool\n```",                     "toml block is not valid"),
    ("json that elides",          '```json\n{"a": …}\n```',                  None),
    ("json that does not parse",  '```json\n{"a": }\n```',                   "json block is not valid"),
])  # fmt: skip
def test_a_document_is_judged(tmp_path: Path, what: str, text: str, complaint: str | None):
    (tmp_path / "other.md").write_text("## 2. The life of an order\n", encoding="utf8")
    document = tmp_path / "document.md"
    document.write_text(f"# Title\n\n{text}\n", encoding="utf8")
    found = list(complaints_about(document))
    if complaint is None:
        assert found == []
    else:
        assert len(found) == 1
        assert complaint in found[0]


def test_a_console_session_is_read_as_typed():
    session = "$ curl -s \\\n>   localhost\n{}\n$ make\nhelp"
    assert typed_lines(session) == "curl -s \\\n  localhost\nmake\n"


@pytest.mark.parametrize(("what", "report", "counts"), [
    ("a run with everything in it",
     '<testsuites><testsuite tests="9" failures="2" errors="1" skipped="2"/></testsuites>', (4, 3, 2)),
    ("a run without tests",  '<testsuites><testsuite tests="0"/></testsuites>',              (0, 0, 0)),
    ("a report cut short",   "<testsuites><testsuite",                                       (0, 0, 0)),
])  # fmt: skip
def test_a_report_is_counted(tmp_path: Path, what: str, report: str, counts: tuple[int, int, int]):
    file = tmp_path / "tests.xml"
    file.write_text(report, encoding="utf8")
    assert count(file) == counts


def test_a_missing_report_counts_as_nothing_run(tmp_path: Path):
    assert count(tmp_path / "tests.xml") == (0, 0, 0)
