"""A child that a thread waits for is told when this process is asked to end; it never outlives it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PARENT = """
import subprocess, sys, threading, time
from semillero.processes import dies_with_parent, signals_reach_children, told_with_parent, was_told_to_stop

CHILD = "import signal, sys; print('up', flush=True); sys.exit(75 if signal.sigwait([15, 2]) == {number} else 1)"

def wait(ended):
    block = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [15, 2]);"
    command = [sys.executable, "-c", block + CHILD]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=dies_with_parent())
    with told_with_parent(child):
        child.stdout.readline()
        print("ready", flush=True)
        ended.append((child.wait(), was_told_to_stop()))

ended = []
try:
    with signals_reach_children():
        threading.Thread(target=wait, args=(ended,)).start()
        while not ended:
            time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    while not ended:
        time.sleep(0.01)
    print(ended, flush=True)
"""


@pytest.mark.parametrize(("number", "own_end"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_to_the_parent_reaches_the_child_and_then_does_what_it_did_before(
    tmp_path: Path, number: signal.Signals, own_end: int
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.replace("{number}", str(int(number))))
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    parent.send_signal(number)
    said = parent.stdout.read()
    assert parent.wait(30) == own_end
    if number == signal.SIGINT:
        assert "interrupted" in said
        assert "[(75, True)]" in said
