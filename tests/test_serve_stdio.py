"""stdin and stdout as a transport: whatever they are, however they end."""

import asyncio
import contextlib
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stdio_ends import DEADLINE, Echo, Pipes, Silent, all_threads_end, connect, read_all, talk

# What they may be.


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "non-blocking"])
def test_pipes_are_left_as_they_were(blocking):
    async def run():
        with Pipes() as pipes:
            for each in pipes.both:
                os.set_blocking(each, blocking)
            echo = Echo()
            connect(echo, pipes.both)
            for word in (b"one", b"two"):
                os.write(pipes.ours_in, word)
                await echo.until(lambda word=word: echo.received.endswith(word))
            assert os.get_blocking(pipes.stdin) is os.get_blocking(pipes.stdout) is blocking
            pipes.close(pipes.ours_in)
            assert await echo.end() is None
            await all_threads_end()
            assert os.get_blocking(pipes.stdin) is os.get_blocking(pipes.stdout) is blocking
            assert os.read(pipes.ours_out, 100) == b"onetwo."

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000])
def test_regular_files(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "in").write_bytes(data)

    async def run():
        with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
            echo = await talk((stdin.fileno(), stdout.fileno()))
        assert echo.received == data
        assert (tmp_path / "out").read_bytes() == data + b"."

    asyncio.run(run())


def test_null_device():
    async def run():
        with open(os.devnull, "r+b", buffering=0) as null:
            echo = await talk((null.fileno(), null.fileno()))
        assert echo.calls == ["made", "eof", "lost"]

    asyncio.run(run())


def test_one_socket_for_both():
    async def run():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"both ways")
            ours.shutdown(socket.SHUT_WR)
            await talk((theirs.fileno(), theirs.fileno()))
            assert ours.recv(100) == b"both ways."

    asyncio.run(run())


def test_input_of_a_socket_whose_peer_is_gone_is_read():
    async def run():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"last words")
            ours.close()
            echo = Silent()
            connect(echo, (theirs.fileno(), theirs.fileno()))
            assert isinstance(await echo.end(), BrokenPipeError | None)
            assert echo.received == b"last words"

    asyncio.run(run())


def test_terminal():
    async def run():
        ours, theirs = os.openpty()
        try:
            echo = Echo()
            connect(echo, (theirs, theirs))
            os.write(ours, b"typed\n")
            await echo.until(lambda: echo.received == b"typed\n")
            os.write(ours, b"\x04")  # Control-D
            assert await echo.end() is None
            await all_threads_end()
        finally:
            os.close(ours)
            os.close(theirs)

    asyncio.run(run())


def test_terminal_that_hangs_up():
    async def run():
        ours, theirs = os.openpty()
        echo = Echo()
        connect(echo, (theirs, theirs))
        os.close(ours)
        await echo.end()
        await all_threads_end()
        os.close(theirs)

    asyncio.run(run())


# How they end.


def test_output_goes_on_behind_the_end_of_the_input():
    async def run():
        with Pipes() as pipes:
            echo = Echo(goes_on=True)
            transport = connect(echo, pipes.both)
            pipes.close(pipes.ours_in)
            await echo.until(lambda: "eof" in echo.calls)
            assert not transport.is_closing()
            transport.write(b" Still here.")
            transport.close()
            transport.write(b"Not any more.")
            assert await echo.end() is None
            assert os.read(pipes.ours_out, 100) == b". Still here."

    asyncio.run(run())


def test_reader_that_leaves_is_noticed_when_nothing_is_written():
    async def run():
        with Pipes() as pipes:
            echo = Echo()
            transport = connect(echo, pipes.both)
            pipes.close(pipes.ours_out)
            assert isinstance(await echo.end(), BrokenPipeError)
            await all_threads_end()
            transport.write(b"to nobody")
            transport.close()
            transport.abort()
            await asyncio.sleep(0)
        assert echo.calls == ["made", "lost"]

    asyncio.run(run())


def test_reader_that_leaves_is_noticed_when_nothing_is_read():
    async def run():
        with Pipes() as pipes:
            echo = Echo()
            transport = connect(echo, pipes.both)
            transport.pause_reading()
            transport.write(b"x" * 1_000_000)
            pipes.close(pipes.ours_out)
            assert isinstance(await echo.end(), BrokenPipeError)
            await all_threads_end()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("which", "flags"),
    [
        pytest.param(0, os.O_RDONLY | os.O_DIRECTORY, id="stdin a folder"),
        pytest.param(0, os.O_WRONLY, id="stdin to write only"),
        pytest.param(1, os.O_RDONLY, id="stdout to read only"),
    ],
)
def test_unusable_descriptor(tmp_path, which, flags):
    async def run():
        with Pipes() as pipes:
            at = tmp_path if flags & os.O_DIRECTORY else os.devnull
            wrong = os.open(at, flags)
            pair = (wrong, pipes.stdout) if which == 0 else (pipes.stdin, wrong)
            echo = Echo()
            connect(echo, pair)
            os.write(pipes.ours_in, b"x")
            assert isinstance(await echo.end(), OSError)
            await all_threads_end()
            os.close(wrong)

    asyncio.run(run())


def test_close_writes_what_is_left():
    async def run():
        with Pipes() as pipes:
            transport = connect(Echo(), pipes.both)
            data = os.urandom(1_000_000)
            transport.write(data)
            transport.close()
            reading = asyncio.create_task(asyncio.to_thread(read_all, pipes.ours_out))
            await transport.get_protocol().end()
            pipes.close(pipes.stdout)
            assert await asyncio.wait_for(reading, DEADLINE) == data

    asyncio.run(run())


def test_abort_waits_for_no_reader():
    async def run():
        with Pipes() as pipes:
            echo = Echo()
            transport = connect(echo, pipes.both)
            transport.write(b"x" * 1_000_000)
            transport.write(b"y" * 1_000_000)
            transport.abort()
            assert await echo.end() is None
            await all_threads_end()

    asyncio.run(run())


def test_input_behind_the_end_is_left_to_others():
    async def run():
        with Pipes() as pipes:
            echo = Echo()
            connect(echo, pipes.both).close()
            await echo.end()
            await all_threads_end()
            os.write(pipes.ours_in, b"for the shell")
            assert os.read(pipes.stdin, 100) == b"for the shell"

    asyncio.run(run())


def test_protocol_that_fails_is_not_kept():
    class Failing(Echo):
        def data_received(self, data):
            raise RuntimeError("a mistake")

    async def run():
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        with Pipes() as pipes:
            failing = Failing()
            connect(failing, pipes.both)
            os.write(pipes.ours_in, b"x")
            await failing.end()
            await all_threads_end()
        assert [str(each["exception"]) for each in told] == ["a mistake"]

    asyncio.run(run())


def test_nothing_is_left_behind():
    async def run():
        with Pipes() as pipes:
            pipes.close(pipes.ours_in)
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(5):
                await talk(pipes.both)
                assert os.read(pipes.ours_out, 10) == b"."
            assert len(os.listdir("/proc/self/fd")) == before

    asyncio.run(run())


def test_threads_end_when_they_find_that_the_loop_has():
    with Pipes() as pipes:

        async def run():
            connect(Echo(), pipes.both)

        asyncio.run(run())
        os.write(pipes.ours_in, b"to nobody")
        asyncio.run(all_threads_end())


# Flow.


def test_nothing_is_received_while_reading_is_paused():
    async def run():
        with Pipes() as pipes:
            echo = Silent()
            transport = connect(echo, pipes.both)
            assert transport.is_reading()
            transport.pause_reading()
            transport.pause_reading()
            assert not transport.is_reading()
            os.write(pipes.ours_in, b"one")
            await asyncio.sleep(0.1)
            assert echo.received == b""
            transport.resume_reading()
            transport.resume_reading()
            await echo.until(lambda: echo.received == b"one")
            transport.pause_reading()
            os.write(pipes.ours_in, b"two")
            pipes.close(pipes.ours_in)
            await asyncio.sleep(0.1)
            assert (echo.received, echo.calls[-1]) == (b"one", "data")
            transport.resume_reading()
            assert await echo.end() is None
            assert echo.received == b"onetwo"

    asyncio.run(run())


def test_input_stays_where_it_is_while_reading_is_paused():
    async def run():
        with Pipes() as pipes:
            transport = connect(Silent(), pipes.both)
            transport.pause_reading()
            os.set_blocking(pipes.ours_in, False)
            written = 0
            with contextlib.suppress(BlockingIOError):
                for _ in range(100):
                    written += os.write(pipes.ours_in, bytes(1 << 16))
                    await asyncio.sleep(0.001)
            capacity = fcntl.fcntl(pipes.ours_in, fcntl.F_GETPIPE_SZ)
            assert written <= capacity + (1 << 16)
            transport.abort()
            await transport.get_protocol().end()

    asyncio.run(run())


def test_protocol_is_told_when_nobody_reads_and_when_somebody_does():
    async def run():
        with Pipes() as pipes:
            echo = Echo()
            transport = connect(echo, pipes.both)
            transport.write(b"x" * 500_000)
            assert echo.calls == ["made", "pause"]
            assert transport.get_write_buffer_size() == 500_000
            transport.write(b"y")
            reading = asyncio.create_task(asyncio.to_thread(read_all, pipes.ours_out))
            await echo.until(lambda: echo.calls[-1] == "resume")
            assert transport.get_write_buffer_size() <= 1
            transport.close()
            await echo.end()
            pipes.close(pipes.stdout)
            assert await reading == b"x" * 500_000 + b"y"
        assert echo.calls == ["made", "pause", "resume", "lost"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        pytest.param({}, (1 << 14, 1 << 16), id="as asyncio's"),
        pytest.param({"high": 0}, (0, 0), id="none"),
        pytest.param({"high": 4000}, (1000, 4000), id="high"),
        pytest.param({"low": 1000}, (1000, 4000), id="low"),
        pytest.param({"high": 5, "low": 5}, (5, 5), id="both"),
        pytest.param({"high": 1, "low": 2}, None, id="the wrong way round"),
        pytest.param({"high": -1}, None, id="negative"),
    ],
)
def test_buffer_limits(given, limits):
    async def run():
        with Pipes() as pipes:
            transport = connect(Echo(), pipes.both)
            if limits is None:
                with pytest.raises(ValueError, match="is right"):
                    transport.set_write_buffer_limits(**given)
            else:
                transport.set_write_buffer_limits(**given)
                assert transport.get_write_buffer_limits() == limits
            transport.abort()
            await transport.get_protocol().end()

    asyncio.run(run())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20), st.lists(st.booleans()))
def test_all_comes_back_in_order_however_reading_is_paused(pieces, pauses):
    async def run():
        with Pipes() as pipes:
            echo = Echo()
            transport = connect(echo, pipes.both)
            for index, piece in enumerate(pieces):
                os.write(pipes.ours_in, piece)
                if index < len(pauses):
                    (transport.pause_reading if pauses[index] else transport.resume_reading)()
                await asyncio.sleep(0)
            pipes.close(pipes.ours_in)
            transport.resume_reading()
            assert await echo.end() is None
            await all_threads_end()
            pipes.close(pipes.stdout)
            assert read_all(pipes.ours_out) == b"".join(pieces) + b"."

    asyncio.run(run())


# A server on it.


@pytest.mark.parametrize(("closed", "name"), [("<&-", "stdin"), (">&-", "stdout")])
def test_server_without_them(closed, name):
    server = Path(__file__).parent / "serving.py"
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$1" stdio {closed}', sys.executable, server],
        env={**os.environ, "PYTHONPATH": str(server.parent.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"ServeError: stdio: {name} is closed".encode())
