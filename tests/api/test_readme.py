# SPDX-License-Identifier: MIT
"""The README's tour, as a newcomer pastes it: against a fresh server with the demo model."""
import os
import pathlib
import re
import subprocess

import pytest

import server as servers

README = pathlib.Path(servers.ROOT) / "README.md"


def commands():
    """The commands of the tour, block after block; an empty line ends a command."""
    tour = README.read_text(encoding="utf-8").partition("## Sixty seconds")[2].partition("\n## ")[0]
    return [part.strip() for block in re.findall(r"```\n(.*?)```", tour, re.S) for part in block.split("\n\n")]


@pytest.fixture
def shell(start_server):
    """Runs a script in which the README's address, program and data directory are those of a server of our own."""
    running = start_server(with_model=False)

    def run(script):
        script = script.replace("127.0.0.1:8000", f"127.0.0.1:{running.port}").replace("localhost:8000", f"127.0.0.1:{running.port}")
        script = script.replace("build/sluice", servers.binary()).replace("--data data", f"--data {running.data}")
        made = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=60, check=False, env=servers.environment())
        assert made.returncode == 0, (script, made.stderr)
        return made.stdout

    return running, run


def test_the_tour_does_what_it_says(shell):
    running, run = shell
    first, key, create, talk, messages, provider = commands()
    shown = run(first)
    assert '"tool_call"' in shown and '"stream_end"' in shown and "执行" not in shown
    shown = run(f"{key}\n{create}")
    assert "created successfully" in shown
    agent = re.search(r"agent_[0-9a-f]{8}", shown).group(0)
    shown = run(f"{key}\n{talk}\n{messages}\n{provider}".replace("agent_…", agent))
    assert '"file_write"' in shown and '"conversation_id":"s-1"' in shown and '"model":"gpt-4o-mini"' in shown
    (notes,) = [os.path.join(folder, "notes.md") for folder, _, names in os.walk(running.data) if "notes.md" in names]
    assert agent in notes
