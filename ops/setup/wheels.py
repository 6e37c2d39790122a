"""Fetches wheels named in a lock file from the Python registry, checked by sha256.

Needs nothing but the standard library and a `pip` (20.3 or newer) that some Python on the machine has.
Which registry is asked is pip's own setting; no host is named here.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

# The wheels are the same for every Python that runs this: they are read, not imported.
PYTHON = "311"
MACHINES = ("x86_64", "aarch64")
# pip 20.3 does not derive the older names, and some wheels carry only those.
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
STALLED_SECONDS = 120


class Failed(Exception):
    """Setup cannot go on; the message says in one line what failed and what to do."""


def status_of(work: Callable[[Path], bool], into: Path, done: str) -> int:
    """The exit status of setting up `into`; says `done` where there was work, and in one line what failed."""
    try:
        if work(into):
            say(done)
    except Failed as error:
        print(f"setup failed: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"setup failed: {error.strerror} ({error.filename}): check the disk and your rights there",
              file=sys.stderr)
        return 1
    return 0


def machine() -> str:
    """The processor family as wheels name it.

    Raises Failed where no pinned wheel can run: another processor, another system, or musl.
    """
    name = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine())
    if platform.system() != "Linux" or name not in MACHINES:
        raise Failed(f"no pinned wheels for {platform.system()} {name}: use Linux on x86_64 or aarch64")
    library, version = platform.libc_ver()
    if library == "glibc" and tuple(int(part) for part in version.split(".")[:2]) < (2, 28):
        raise Failed(f"glibc {version} is too old: use Debian 10, Ubuntu 18.10 or newer (glibc 2.28)")
    if library != "glibc":
        raise Failed("the pinned wheels need glibc: use Debian or Ubuntu, not a musl system")
    return name


def download(lock: Path, into: Path, what: str, processor: str) -> List[Path]:
    """Downloads every wheel of `lock` for a processor family into the folder `into`; returns their paths.

    `what` is said to the person who waits. A wheel whose hash is not in the lock never gets there.
    """
    into.mkdir(parents=True, exist_ok=True)
    command = [*pip(), "download", "--require-hashes", "--no-deps", "--only-binary=:all:",
               "--python-version", PYTHON, "--implementation", "cp", "--disable-pip-version-check",
               "--progress-bar", "off", "--dest", str(into), "--requirement", str(lock)]
    for family in GLIBC:
        command += ["--platform", f"{family}_{processor}"]
    with tempfile.TemporaryDirectory(dir=into, prefix=".pip-") as scratch:
        # pip collects into TMPDIR; having it here lets us count what has arrived.
        _run(command, {**os.environ, "TMPDIR": scratch}, into, what)
    return sorted(into.glob("*.whl"))


def install(python: Path, lock: Path, environment: Path, what: str) -> None:
    """Installs exactly the packages of `lock` into a virtual environment, checked by sha256."""
    with tempfile.TemporaryDirectory(dir=environment, prefix=".pip-") as folder:
        command = [str(python), "-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary=:all:",
                   "--disable-pip-version-check", "--progress-bar", "off", "--requirement", str(lock)]
        say(f"fetching {what}")
        _run(command, {**os.environ, "TMPDIR": folder}, environment, what)


def pip() -> List[str]:
    """The command that runs pip: this Python's own, else the first one found."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found:
            return [found]
    raise Failed("no pip on this machine: apt-get install python3-pip python3-venv, then try again")


def _run(command: List[str], environment: Dict[str, str], folder: Path, what: str) -> None:
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _watch(process, folder, what)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise Failed(f"fetching {what}: {_reason(output.read())}")


def _watch(process: "subprocess.Popen[bytes]", folder: Path, what: str) -> None:
    """Says how much has arrived every two seconds, and gives up when nothing more comes."""
    started = grown = time.monotonic()
    size = 0
    while process.poll() is None:
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            now, last = time.monotonic(), size
            size = _bytes_in(folder)
            grown = now if size != last else grown
            say(f"fetching {what}: {size / 1e6:.0f} MB on disk, {now - started:.0f} s")
            if now - grown > STALLED_SECONDS:
                raise Failed(f"fetching {what}: nothing came for {STALLED_SECONDS} s, check the network "
                             "and pip's index setting (pip config list)") from None


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # pip moved it between the listing and the look.
    return total


def _reason(output: str) -> str:
    """What pip's output comes down to, with what to do about it."""
    if "HASHES" in output or "do not match" in output:
        return ("the registry sent a file whose sha256 is not the pinned one: do not use it, "
                "try another network or index, and tell the maintainers if it stays")
    network = ("NewConnectionError", "ConnectTimeout", "Temporary failure", "Name or service",
               "ProxyError", "ReadTimeout", "Network is unreachable", "SSLError", "Connection refused")
    if any(sign in output for sign in network):
        return "the Python registry cannot be reached: check the network and pip's index setting (pip config list)"
    if "No matching distribution" in output:
        return ("the registry cannot be reached or has no such wheel: check the network "
                "and pip's index setting (pip config list)")
    if "No space left" in output:
        return "the disk is full: free 200 MB and try again"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "pip failed")


def say(message: str) -> None:
    """One line of progress for the person who waits, apart from what programs read."""
    print(f"setup: {message}", file=sys.stderr, flush=True)


def wheel(paths: List[Path], name: str) -> Path:
    """The wheel of package `name` among `paths`."""
    start = name.replace("-", "_").lower() + "-"
    found: Optional[Path] = next((path for path in paths if path.name.lower().startswith(start)), None)
    if found is None:
        raise Failed(f"the lock file names no wheel of {name}: restore it from the repository")
    return found
