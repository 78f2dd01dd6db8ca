# SPDX-License-Identifier: MIT
"""The crash test uses the words of the API tests."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from fixtures import fake_llm, start_server  # noqa: E402, F401
