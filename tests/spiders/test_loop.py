"""Running a coroutine as a whole process."""

from __future__ import annotations

import signal
import subprocess
import sys

HEAD = "import asyncio\nfrom scheduler.loop import run\n"


def program(body: str) -> subprocess.Popen[str]:
    """Start a program of its own: a reactor starts once in a process."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HEAD + body],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_it_returns_and_leaves_behind() -> None:
    """The result comes back; what the coroutine forgot is cancelled and awaited before the process goes on."""
    forgetful = """
async def forgotten():
    try: await asyncio.Event().wait()
    finally: print("cancelled", flush=True)
async def main():
    asyncio.create_task(forgotten())
    await asyncio.sleep(0)
    return await asyncio.to_thread(lambda: 42)
print(run(main))"""
    with program(forgetful) as process:
        out, err = process.communicate(timeout=30)
    assert (out.split(), err, process.returncode) == (["cancelled", "42"], "", 0)


def test_what_it_raises() -> None:
    """An exception is the caller's, not a line in a log; SystemExit keeps its code."""
    with program(
        "async def main(): raise LookupError('nobody')\ntry: run(main)\nexcept LookupError as e: print(e)"
    ) as one:
        assert one.communicate(timeout=30) == ("nobody\n", "")
    leaving = """
async def main():
    from twisted.internet.threads import deferToThread
    await deferToThread(int).asFuture(asyncio.get_running_loop())  # its thread must not keep the process alive
    raise SystemExit(2)
run(main)"""
    with program(leaving) as two:
        assert two.communicate(timeout=30) == ("", "")
    assert two.returncode == 2


def test_control_c() -> None:
    """The coroutine is cancelled and may tidy up; then it is a KeyboardInterrupt, as with any program."""
    patient = """
async def main():
    print("ready", flush=True)
    try: await asyncio.Event().wait()
    finally: print("tidied up", flush=True)
try: run(main)
except KeyboardInterrupt: print("interrupted")"""
    with program(patient) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out.split("\n")[:2], err) == (["tidied up", "interrupted"], "")


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    """It cannot be cancelled: whoever waited for it has been, and nobody else does."""
    hanging = """
import threading
async def main():
    try:
        async with asyncio.timeout(0.1): await asyncio.to_thread(threading.Event().wait)
    except TimeoutError: return "given up"
print(run(main), flush=True)"""
    with program(hanging) as process:
        try:
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (out, err, process.returncode) == ("given up\n", "", 0)
