# SPDX-License-Identifier: MIT
"""The fixtures of the API tests, for tests with other people's clients; and those clients."""
import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "api"))

from fixtures import *  # noqa: E402, F401, F403
from fixtures import pytest_report_header  # noqa: E402, F401


@pytest.fixture(scope="session")
def node():
    """Runs a script of this folder with arguments, and returns the JSON that it prints."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    with open(os.path.join(HERE, "package-lock.json"), encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # each worker of pytest comes here
        if not os.path.isdir(os.path.join(HERE, "node_modules", "ai")):
            made = subprocess.run(
                ["npm", "ci", "--no-fund", "--no-audit", "--ignore-scripts"], cwd=HERE, capture_output=True, text=True, timeout=100
            )
            if made.returncode != 0:
                pytest.skip(f"npm could not install the clients: {made.stderr[-300:]}")

    def run(script, *args):
        done = subprocess.run(["node", script, *args], cwd=HERE, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
