"""The real server on real sockets: what only they can show."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

KEY = {"x-api-key": "me"}


@contextmanager
def a_server(*arguments, stderr=None):
    command = [sys.executable, "-m", "tests.faces.kit.served", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        assert process.stdout is not None
        ports = [int(word) for word in process.stdout.readline().split()]
        yield process, ports
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def port():
    with a_server() as (_, ports):
        yield ports[0]


def stream(port, **arguments):
    return connect(f"ws://127.0.0.1:{port}/ws", additional_headers=KEY, compression=None, **arguments)


@pytest.mark.parametrize(("path", "params"), [
    ("/v1/quotes/BTC%2FUSD",  {"symbol": "BTC/USD"}),
    ("/quotes/BTC/USD",       {"symbol": "BTC/USD"}),
])  # fmt: skip
def test_an_encoded_slash_stays_in_its_segment(port, path, params):
    assert httpx.get(f"http://127.0.0.1:{port}{path}", headers=KEY).json()["params"] == params


def test_an_upgrade_without_key_is_an_http_401(port):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{port}/ws")
    assert refused.value.response.status_code == 401
    assert b"MISSING_KEY" in refused.value.response.body


def test_a_head_without_end_is_431(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as sender:
        sender.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: " + b"x" * 200_000)
        assert sender.recv(100).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(("sent", "status", "code"), [
    (b"GET /quotes/AAPL HTTP/1.1\r\nhost: localhost\r\nx : 1\r\n\r\n",                              400, "MALFORMED"),
    (b"POST /orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",   400, "MALFORMED"),
    (b"no http at all\r\n\r\n",                                                                    400, "MALFORMED"),
    (b"\x16\x03\x01\x02\x00\x01",                                                                  400, "MALFORMED"),
    (b"GET /quotes/" + b"x" * 200_000,                                                                431, "HEADERS_TOO_LARGE"),
])  # fmt: skip
def test_what_is_no_request_is_refused_in_the_words_of_the_door(port, sent, status, code):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as sender:
        sender.sendall(sent)
        sender.shutdown(socket.SHUT_WR)
        head, _, body = b"".join(iter(lambda: sender.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/json" in head and b"connection: close" in head
    assert json.loads(body)["code"] == code


def test_one_frame_after_another_arrives_whole(port):
    with stream(port) as client:
        client.send("20")
        assert {len(client.recv(timeout=5)) for _ in range(20)} == {60_000}


def test_a_frame_too_big_closes_with_1009(port):
    with stream(port) as client, pytest.raises(ConnectionClosed) as closed:
        client.send("1" * 70_000)
        client.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("frames", [[b"\xff\xfe"], [b"\xe2\x82", b"A"]], ids=["at once", "in two parts"])
def test_text_that_is_no_utf8_closes_with_1007_and_says_nothing_in_the_log(tmp_path, frames):
    with (tmp_path / "stderr").open("w+") as said:
        with a_server(stderr=said) as (_, ports), stream(ports[0]) as client, pytest.raises(ConnectionClosed) as closed:
            client.send([*frames], text=True)
            client.recv(timeout=5)
        said.seek(0)
        assert "Traceback" not in said.read()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007


def test_who_never_reads_is_cut_off_and_stalls_nobody(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as stuck:
        stuck.sendall(
            b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-api-key: me\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert stuck.recv(1000).startswith(b"HTTP/1.1 101 ")
        for _ in range(3):  # Masked with zeroes: 1000 frames each time, until 1024 wait.
            stuck.sendall(b"\x81\x84\x00\x00\x00\x001000")
        with stream(port) as client:
            client.send("1")
            assert len(client.recv(timeout=5)) == 60_000
        # Of 180 MB only what fitted the buffers arrives; the rest is not kept for ever.
        assert _reads_until_the_end(stuck) < 100_000_000


def _reads_until_the_end(connection):
    received = 0
    try:
        while chunk := connection.recv(65536):
            received += len(chunk)
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_says_goodbye_and_exits_with_0_within_five_seconds(number):
    with a_server() as (process, ports), stream(ports[0]) as client:
        client.send("1")
        client.recv(timeout=5)
        process.send_signal(number)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        output, _ = process.communicate(timeout=5)
        assert (process.returncode, output) == (0, "stopped in order\n")


def test_a_stop_waits_for_what_is_being_done():
    with a_server() as (process, ports), closing(socket.create_connection(("127.0.0.1", ports[0]), timeout=5)) as asker:
        asker.sendall(b"POST /while HTTP/1.1\r\nhost: localhost\r\nx-api-key: me\r\ncontent-length: 1\r\n\r\nx")
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        answer = _all(asker)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in answer
        assert answer.endswith(b'"done"')
        output, _ = process.communicate(timeout=5)
        assert (process.returncode, output) == (0, "stopped in order\n")


def test_who_sends_too_much_learns_it_though_he_first_sends_all(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as sender:
        head = b"POST /orders HTTP/1.1\r\nhost: localhost\r\nx-api-key: me\r\ncontent-length: 2097152\r\n\r\n"
        sender.sendall(head + b"x" * 2_097_152)
        assert _all(sender).startswith(b"HTTP/1.1 413 ")


def test_orders_sent_ahead_are_answered_in_their_order(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as sender:
        asked = [f"GET /orders/{number} HTTP/1.1\r\nhost: localhost\r\nx-api-key: me\r\n" for number in range(200)]
        sender.sendall(("\r\n".join(asked) + "connection: close\r\n\r\n").encode())
        found = re.findall(rb'"order_id":"(\d+)"', _all(sender))
        assert found == [b"%d" % number for number in range(200)]


def _all(connection):
    said = b""
    while chunk := connection.recv(65536):
        said += chunk
    return said


def test_a_second_port_serves_the_same_app_and_is_done_without_when_taken():
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        taken = probe.getsockname()[1]
        with a_server(taken) as (_, ports):
            assert len(ports) == 1
    with a_server(taken) as (_, ports):
        answers = [httpx.get(f"http://127.0.0.1:{port}/health").status_code for port in ports]
        assert answers == [200, 200]
