# SPDX-License-Identifier: MIT
"""Makes the fixtures known to pytest."""
from fixtures import *  # noqa: F401, F403
from fixtures import pytest_report_header  # noqa: F401
