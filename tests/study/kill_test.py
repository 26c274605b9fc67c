#!/usr/bin/env python3
"""kill -9 at random moments of a small study; then the same command: the end must be bit-equal.

usage: kill_test.py LAMINA STUDY KILLS SEED
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import fingerprint, require_equal, run, start


def kill_at(lamina, study, runs, seconds):
    """Starts the study and kills it, children included; returns whether it was still running."""
    process = start(lamina, "ablate", study, "--runs", runs)
    time.sleep(seconds)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return alive


def wait_for_checkpoint(runs, process):
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if any(runs.glob("*/*/checkpoints/last")):
            return
        time.sleep(0.01)


def main():
    lamina, study, kills, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    randomness = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, pieces = Path(folder) / "whole", Path(folder) / "pieces"
        begin = time.monotonic()
        run(lamina, "ablate", study, "--runs", whole)
        duration = time.monotonic() - begin
        expected = fingerprint(whole / study.stem)

        # Side by side nothing else comes out.
        run(lamina, "ablate", study, "--jobs", "2", "--runs", Path(folder) / "jobs")
        require_equal(fingerprint(Path(folder) / "jobs" / study.stem), expected, "with --jobs 2")

        killed = 0
        # Short pieces, so that the kills spread over the whole study although each start goes on where the last ended.
        while killed < kills:
            if not kill_at(lamina, study, pieces, randomness.uniform(0.2, 2.5 * duration / kills + 1)):
                # The study reached its end: go on killing in a fresh folder, but first compare what came out.
                require_equal(fingerprint(pieces / study.stem), expected, f"after {killed} kills")
                pieces = pieces.with_name(f"pieces-{killed}")
            killed += 1
        run(lamina, "ablate", study, "--runs", pieces)
        require_equal(fingerprint(pieces / study.stem), expected, f"after {killed} kills")

        # An orderly interrupt ends with 130 and loses nothing either; with --jobs cells are started by threads that block signals.
        for words in ([], ["--jobs", "2"]):
            pieces = Path(folder) / f"interrupted{len(words)}"
            process = start(lamina, "ablate", study, "--runs", pieces, *words)
            wait_for_checkpoint(pieces, process)  # in the middle of a training, however busy the machine is
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=120)
            if process.returncode != 130:
                sys.exit(f"SIGINT {words}: exit {process.returncode}, expected 130\n{output[-2000:]}")
            run(lamina, "ablate", study, "--runs", pieces)
            require_equal(fingerprint(pieces / study.stem), expected, f"after SIGINT {words}")
    print(f"{killed} kills and two SIGINTs: bit-equal; the study takes {duration:.1f} s")


if __name__ == "__main__":
    main()
