"""Progress bars: quiet in logs, silent where they are not wanted, and nothing of theirs outlives the process."""

import subprocess
import sys

import pytest

from emolib.ground import bars


@pytest.mark.parametrize("terminal, often", [(True, 0.1), (False, 5.0)])
def test_a_log_gets_a_line_every_five_seconds(monkeypatch, terminal, often):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with bars.bar(label="films", unit="film", total=4, start=1) as bar:
        assert (bar.mininterval, bar.delay, bar.n, bar.total) == (often, 1, 1, 4)


def test_it_hands_on_what_it_counts_and_may_be_silent(capsys):
    assert list(bars.bar(range(3), label="films", unit="film", shown=False)) == [0, 1, 2]
    bars.say("a line")
    assert capsys.readouterr().err == "a line\n"


def test_it_leaves_no_semaphore_to_be_swept_up():
    code = (
        "import multiprocessing\nfrom multiprocessing import resource_tracker as tracker\nfrom emolib.ground import bars\n"
        "multiprocessing.set_start_method('spawn')\n"  # where processes are forked, semaphores have no name
        "list(bars.bar(range(3), label='films', unit='film'))\nassert tracker._resource_tracker._fd is None"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
