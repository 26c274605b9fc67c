#!/usr/bin/env python3
"""Several processes on one study: no run done twice, none lost, the end as that of one process.

usage: together_test.py LAMINA STUDY
"""

import json
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import fingerprint, require_equal, run, start


def larger_study(study, folder):
    """Three seeds, and an arm that shares the baseline's trainings."""
    node = json.loads(study.read_text())
    node["arms"].append({"name": "mirrored", "set": {"infer.tta": "mirror"}})
    node.update(name="together", seeds=[1, 2, 3])
    node["baseline"]["train"]["epochs"] = 3
    file = folder / "together.json"
    file.write_text(json.dumps(node))
    return file


def runs_of(output):
    """The run folders that a process says it works in."""
    return re.findall(r"runs in \S*/(\S+)", output)


def finish(process, who):
    output, _ = process.communicate(timeout=300)
    if process.returncode != 0:
        sys.exit(f"{who}: exit {process.returncode}\n{output[-3000:]}")
    return output


def check_shared(lamina, study, runs, expected):
    both = [start(lamina, "ablate", study, "--runs", runs) for _ in range(2)]
    outputs = [finish(process, f"process {i}") for i, process in enumerate(both)]
    work = [runs_of(output) for output in outputs]
    if not all(work):
        sys.exit(f"one process did everything: {work}")
    done = sorted(work[0] + work[1])
    if len(done) != 9 or len(set(done)) != 9:
        sys.exit(f"expected nine runs, each once; got {done}")
    require_equal(fingerprint(runs / study.stem), expected, "by two processes")
    return work


def check_takeover(lamina, study, runs, expected, duration):
    """One of two is killed with its children: the other one does its run too, without waiting."""
    victim, heir = [start(lamina, "ablate", study, "--runs", runs) for _ in range(2)]
    time.sleep(0.35 * duration)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    finish(heir, "the process that was left")
    require_equal(fingerprint(runs / study.stem), expected, "after one of two was killed")


def check_other_settings(lamina, study, runs):
    process = start(lamina, "ablate", study, "--runs", runs, "--set", "train.epochs=40")
    deadline = time.monotonic() + 60
    while not (runs / study.stem / "plan.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    other = start(lamina, "ablate", study, "--runs", runs)
    output, _ = other.communicate(timeout=120)
    if other.returncode == 0 or "other settings of this study" not in output:
        sys.exit(f"another plan was not refused: exit {other.returncode}\n{output[-2000:]}")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)


def claim_of(runs, study):
    """A claim of the first run's training by a process of another host."""
    plan = json.loads((runs / study.stem / "plan.json").read_text())
    claim = runs / study.stem / ".claims" / plan["cells"][0]["hashes"]["train"]
    claim.write_text(json.dumps({"pid": 4711, "host": "elsewhere", "started": 1}))
    return claim


def check_other_host(lamina, study, runs, expected):
    run(lamina, "ablate", study, "--runs", runs)
    first = sorted((runs / study.stem).glob("baseline-s1-*"))[0]
    (first / "status.json").unlink()
    claim = claim_of(runs, study)
    waiting = start(lamina, "ablate", study, "--runs", runs)
    time.sleep(4)
    if waiting.poll() is not None:
        sys.exit(f"a living claim of another host was not waited for\n{waiting.communicate()[0][-2000:]}")
    waiting.send_signal(signal.SIGINT)
    output, _ = waiting.communicate(timeout=60)
    if waiting.returncode != 130 or "pid 4711 on elsewhere" not in output:
        sys.exit(f"SIGINT while waiting: exit {waiting.returncode}, expected 130 and the holder's name\n{output[-2000:]}")
    long_ago = time.time() - 3600
    os.utime(claim, (long_ago, long_ago))
    run(lamina, "ablate", study, "--runs", runs)
    require_equal(fingerprint(runs / study.stem), expected, "after a dead host's claim")
    if list(claim.parent.iterdir()):
        sys.exit(f"claims are left: {list(claim.parent.iterdir())}")


def main():
    lamina, study = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        study = larger_study(study, folder)
        begin = time.monotonic()
        run(lamina, "ablate", study, "--runs", folder / "alone")
        duration = time.monotonic() - begin
        expected = fingerprint(folder / "alone" / study.stem)
        work = check_shared(lamina, study, folder / "two", expected)
        check_takeover(lamina, study, folder / "heir", expected, duration)
        check_other_settings(lamina, study, folder / "other")
        check_other_host(lamina, study, folder / "host", expected)
    print(f"one process {duration:.1f} s; two shared {len(work[0])} and {len(work[1])} of nine runs")


if __name__ == "__main__":
    main()
