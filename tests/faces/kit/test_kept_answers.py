"""What was done stays done where the answer to it cannot be kept."""

import asyncio

from tradehall.faces.kit.kept_answers import KeptAnswers
from tradehall.ports.answers import KeptAnswer
from tradehall.ports.records import RecordsFault


class FullStore:
    """Finds nothing and keeps nothing."""

    def answer(self, space, key, *, since):
        return None

    def keep_answer(self, space, key, answer, *, since):
        raise RecordsFault("the disk is full")


def test_an_answer_that_cannot_be_kept_goes_out_and_the_log_says_so(caplog):
    async def keep():
        answers = KeptAnswers(FullStore())
        await answers.keep("client 1", "a", KeptAnswer(1, b"", 200, b"text/plain", b"done"), since=0)
        assert await answers.find("client 1", "a", since=0) is None

    asyncio.run(keep())
    assert [record.getMessage() for record in caplog.records] == [
        "an answer could not be kept, a repeat of it will be a new wish: the disk is full"
    ]
