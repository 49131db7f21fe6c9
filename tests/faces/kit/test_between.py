"""Between two requests somebody else has a look, whether the first is answered or waits; what fails there is nobody's."""

from tests.faces.kit.test_keep_alive import REQUEST, Line
from tradehall.faces.kit import Response


class Prompt(Line):
    """One that answers at once."""

    async def serve(self, request, reply):
        reply(Response(200), b"content-length: 0\r\n", b"")


def test_each_request_is_followed_by_a_look():
    line, looks = Line(), []
    line.between = lambda: looks.append((len(line.asked), line.wire.sent.count(b"200 OK")))
    line.ask()
    assert looks == [(1, 0)]
    line.answer()
    assert looks[-1] == (0, 1)


def test_requests_that_came_together_are_parted_by_a_look():
    line, looks = Prompt(), []
    line.between = lambda: looks.append(line.wire.sent.count(b"200 OK"))
    line.protocol.data_received(REQUEST * 3)
    line.clock.go_on()
    assert looks == [1, 2, 3]


def test_a_look_that_fails_keeps_nobody_from_his_answer():
    line = Line()

    def fail():
        raise ArithmeticError

    line.between = fail
    line.ask()
    line.answer()
    assert line.wire.sent.startswith(b"HTTP/1.1 200 OK")
    assert {type(failure["exception"]) for failure in line.clock.failures} == {ArithmeticError}
