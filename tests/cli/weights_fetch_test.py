#!/usr/bin/env python3
"""`lamina weights fetch` against a server on this machine: whole, cut and resumed, another size, another content, no file,
nobody there.

usage: weights_fetch_test.py LAMINA
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = random.Random(5).randbytes(3_000_000)
HASH = hashlib.sha256(CONTENT).hexdigest()
failures = []


class Handler(BaseHTTPRequestHandler):
    """/w.pth: with ranges; /cut.pth: ends after a million bytes each time; /slow.pth: stalls there when asked for everything;
    /whole.pth: knows no ranges; /moved.pth: redirects."""
    protocol_version = "HTTP/1.1"
    asked = []  # (path, Range)
    released = threading.Event()

    def log_message(self, *_):
        pass

    def do_GET(self):
        span = self.headers.get("Range")
        Handler.asked.append((self.path, span))
        if self.path == "/moved.pth":
            self.send_response(302)
            self.send_header("Location", "/w.pth")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.path.rsplit("/", 1)[-1] not in ("w.pth", "cut.pth", "whole.pth", "slow.pth", "sam_vit_b_01ec64.pth"):
            return self.send_error(404)
        begin = int(span[len("bytes="):-1]) if span and self.path != "/whole.pth" else 0
        if begin >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        piece = CONTENT[begin:]
        if self.path == "/cut.pth":
            self.wfile.write(piece[:1_000_000])
            self.close_connection = True
        elif self.path == "/slow.pth" and not begin:
            self.wfile.write(piece[:1_000_000])
            Handler.released.wait(60)
        else:
            self.wfile.write(piece)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """The program hangs up where another size is offered; that is no error here."""


def check(true, what):
    if not true:
        failures.append(what)


class Case:
    def __init__(self, lamina, base, folder):
        self.lamina, self.base, self.folder = lamina, base, Path(folder)

    def fetch(self, *words, mirror=None):
        Handler.asked.clear()
        environment = dict(os.environ, NO_COLOR="1", no_proxy="127.0.0.1", **({"LAMINA_WEIGHTS_URL": mirror} if mirror else {}))
        return subprocess.run([self.lamina, "weights", "fetch", *map(str, words), "--output", self.folder], text=True, env=environment,
                              capture_output=True, timeout=100)

    def brings(self, name, *words, part=None):
        """Fetches a URL with its hash; the file must be whole and nothing else left."""
        file = self.folder / name
        file.unlink(missing_ok=True)
        if part is not None:
            Path(f"{file}.part").write_bytes(part)
        done = self.fetch(f"{self.base}/{name}", "--sha256", HASH, *words)
        check(done.returncode == 0, f"{name}: exit {done.returncode}\n{done.stderr}")
        check(file.exists() and file.read_bytes() == CONTENT, f"{name}: another content")
        check(not Path(f"{file}.part").exists(), f"{name}: leaves the part")
        return done

    def refuses(self, code, *words, says, mirror=None):
        done = self.fetch(*words, mirror=mirror)
        check(done.returncode == code, f"{words}: exit {done.returncode}, expected {code}\n{done.stderr}")
        check(done.stdout == "", f"{words}: prints {done.stdout!r}")
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        check(len(errors) == 1, f"{words}: {len(errors)} lines begin with error:\n{done.stderr}")
        for word in says:
            check(word in done.stderr, f"{words}: does not say '{word}' but\n{done.stderr}")


def works(case):
    done = case.brings("w.pth")
    check("its SHA-256 is right" in done.stdout, done.stdout)
    done = case.fetch(f"{case.base}/w.pth", "--sha256", HASH, "--json")
    check(json.loads(done.stdout)["fetched"] is False and Handler.asked == [], "a file that is there is fetched again")
    case.brings("w.pth", part=CONTENT[:1_234_567])
    check(Handler.asked == [("/w.pth", "bytes=1234567-")], f"a part is not resumed: {Handler.asked}")
    case.brings("w.pth", part=CONTENT + b"more")  # the server refuses that range
    case.brings("whole.pth", part=CONTENT[:10])   # the server knows no ranges
    case.brings("cut.pth")
    check([span for _, span in Handler.asked] == [None, "bytes=1000000-", "bytes=2000000-"], f"cuts are not resumed: {Handler.asked}")
    stops_when_asked(case)
    done = case.fetch(f"{case.base}/moved.pth", "--sha256", HASH)
    check(done.returncode == 0 and (case.folder / "moved.pth").read_bytes() == CONTENT, f"a redirection is not followed\n{done.stderr}")


def stops_when_asked(case):
    """Ctrl-C keeps what has arrived; the same command goes on from there."""
    part = case.folder / "slow.pth.part"
    words = [case.lamina, "weights", "fetch", f"{case.base}/slow.pth", "--sha256", HASH, "--output", case.folder]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, no_proxy="127.0.0.1"))
    end = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 900_000) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    Handler.released.set()
    check(process.returncode == 130, f"interrupted: exit {process.returncode}\n{said}")
    check("slow.pth.part; the same command goes on" in said, said)
    kept = part.stat().st_size if part.exists() else 0
    done = case.fetch(f"{case.base}/slow.pth", "--sha256", HASH)
    check(kept > 0 and Handler.asked == [("/slow.pth", f"bytes={kept}-")], f"an interrupted part is not resumed: {Handler.asked}")
    check(done.returncode == 0 and (case.folder / "slow.pth").read_bytes() == CONTENT, f"slow.pth: another content\n{done.stderr}")


def fails_in_words(case):
    for file in case.folder.iterdir():
        file.unlink()
    target = case.folder / "sam_vit_b_01ec64.pth"
    case.refuses(1, f"{case.base}/none.pth", says=["404", f"{case.base}/none.pth", str(case.folder / "none.pth")])
    case.refuses(1, "sam_vit_b", mirror=case.base, says=["the server offers 3000000 bytes, the file has 375042383", str(target)])
    case.refuses(1, "sam_vit_b", mirror="http://127.0.0.1:1/", says=["there is no network, or that host cannot be reached from here",
                                                                  "http://127.0.0.1:1/sam_vit_b_01ec64.pth", f"put it at {target}"])
    case.refuses(1, "sam_vit_b", mirror="http://host.invalid", says=["there is no network", "host.invalid"])
    case.refuses(1, f"{case.base}/w.pth", "--sha256", "0" * 64, says=["another file", HASH, "0" * 64])
    check(list(case.folder.iterdir()) == [], f"leaves {list(case.folder.iterdir())}")
    target.write_bytes(b"mine")
    case.refuses(1, "sam_vit_b", mirror=case.base, says=["is in the way", "has 4 bytes, expected 375042383", "move it away"])
    check(target.read_bytes() == b"mine" and Handler.asked == [], "a file of the user's is touched")
    case.refuses(2, "sam_vit_x", says=["there are no official weights 'sam_vit_x' (did you mean 'sam_vit_b'?)", "mobile_sam"])
    case.refuses(2, says=["needs a name or a URL"])


def lists(lamina):
    done = subprocess.run([lamina, "weights", "fetch", "--list", "--json"], text=True, capture_output=True)
    found = {one["name"]: one for one in json.loads(done.stdout)}
    check(found["sam_vit_h"]["bytes"] == 2564550879, str(found))
    check(found["sam_vit_b"]["url"].endswith("/segment_anything/sam_vit_b_01ec64.pth"), str(found))
    check(all(len(one["sha256"]) == 64 for one in found.values()) and "mobile_sam" in found, str(found))


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        case = Case(sys.argv[1], f"http://127.0.0.1:{server.server_address[1]}", folder)
        works(case)
        fails_in_words(case)
        lists(sys.argv[1])
    server.shutdown()
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
