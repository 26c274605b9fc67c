#!/usr/bin/env python3
"""Checks what the documentation shows.

Every fenced block whose opening line carries one of these words is extracted and tried:
    ```json experiment    `lamina config resolve` accepts it
    ```json study         `lamina ablate --dry-run` accepts it
    ```console run        every line that begins with `$ ` is run in a scratch folder and must exit with 0

usage: check_examples.py LAMINA REPOSITORY PAGE...
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```(\w+) (experiment|study|run)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run(command, folder, environment):
    """Runs a shell command; returns its output when it failed, None when it worked."""
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, text=True, capture_output=True)
    return None if done.returncode == 0 else f"exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"


def commands_of(kind, body, lamina, scratch, number):
    """The shell commands that try a block."""
    if kind == "run":
        return [line[2:] for line in body.splitlines() if line.startswith("$ ")]
    file = scratch / f"example-{number}.json"
    file.write_text(body)
    verb = "config resolve" if kind == "experiment" else "ablate --dry-run --no-probe"
    return [f"{lamina} {verb} {file}"]


def main():
    lamina, repository, pages = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    environment = dict(os.environ, LAMINA_EXPERIMENTS=str(repository / "experiments"))
    failures, tried = [], 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        # The commands of the pages start with ./run; here the program is built already.
        (scratch / "run").symlink_to(lamina)
        for page in pages:
            for number, (_, kind, body) in enumerate(BLOCK.findall(Path(page).read_text())):
                for command in commands_of(kind, body, lamina, scratch, number):
                    tried += 1
                    problem = run(command, scratch, environment)
                    if problem:
                        failures.append(f"{page}, block {number + 1}: {command}\n{problem}")
    for failure in failures:
        print(failure)
    print(f"{tried} examples tried, {len(failures)} failed")
    return 1 if failures or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
