"""Who reads the log may go: the server goes on, and stops when it is told to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

START = "from picosched.cli.main import main; main()"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "plain"])
def test_a_server_whose_log_nobody_reads_any_more_goes_on_and_stops(tmp_path: Path, form: str) -> None:
    command = [sys.executable, "-c", START, "serve", "--open", "--port", "0", "--log", form]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        found = re.search(r"http://\S+\d", process.stdout.readline())
        assert found
        process.stderr.close()
        process.stdout.close()
        try:
            for _ in range(3):
                assert httpx.get(f"{found[0]}/ready").status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.slow
def test_a_reader_of_the_log_that_stalls_stops_nobody(tmp_path: Path) -> None:
    """More requests than a pipe holds lines of, and nobody reads it."""
    command = [
        sys.executable,
        "-c",
        "from picosched.cli.main import main; main()",
        "serve",
        "--open",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().partition(" at ")[2].partition(";")[0]
        with httpx.Client(base_url=url, timeout=20) as client:
            for _ in range(1_500):
                assert client.get("/health").status_code == 200
        process.terminate()
        process.stderr = None  # it is still not read
        assert process.wait(20) == 0
