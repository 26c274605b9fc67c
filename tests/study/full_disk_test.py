#!/usr/bin/env python3
"""A study on a disk that is too small: it stops with exit code 1 and says so; with room it goes on to the same end.

usage: full_disk_test.py LAMINA STUDY        (needs root for a small tmpfs; exits 77 otherwise)
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import fingerprint, require_equal, run


def mount(folder, *options):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", *options, "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"skipped: no tmpfs can be mounted here ({done.stderr.strip()})")
        sys.exit(77)


def main():
    lamina, study = sys.argv[1], Path(sys.argv[2])
    if os.geteuid() != 0:
        print("skipped: mounting a small disk needs root")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole", Path(folder) / "small"
        run(lamina, "ablate", study, "--runs", whole)
        used = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
        small.mkdir()
        mount(small, f"size={int(used * 0.6)}")
        try:
            output = run(lamina, "ablate", study, "--runs", small, expect=1)
            if "No space left" not in output and "disk is full" not in output:
                sys.exit(f"the full disk is not named:\n{output[-3000:]}")
            mount(small, f"remount,size={used * 3}")
            run(lamina, "ablate", study, "--runs", small)
            require_equal(fingerprint(small / study.stem), fingerprint(whole / study.stem), "after the full disk")
        finally:
            subprocess.run(["umount", small], check=False)
    print("full disk: clear stop, and the same end once there is room")


if __name__ == "__main__":
    main()
