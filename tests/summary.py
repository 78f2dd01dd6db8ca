#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up the JUnit reports of the unit and API tests and prints one line: `N passed, N failed`.

A report that is missing, empty or unreadable counts as one failure: a test run that died must not look green.
"""
import argparse
import sys
import xml.etree.ElementTree as ET


def count(path):
    """(passed, failed, skipped) of one report."""
    passed = failed = skipped = 0
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except (OSError, ET.ParseError) as why:
        print(f"{path}: {why}", file=sys.stderr)
        return 0, 1, 0
    for case in cases:
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
            print(f"failed: {case.get('classname') or ''} {case.get('name')}", file=sys.stderr)
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--passed", type=int, default=0)
    args.add_argument("--failed", type=int, default=0)
    args.add_argument("reports", nargs="*")
    args = args.parse_args()
    passed, failed, skipped = args.passed, args.failed, 0
    for path in args.reports:
        p, f, s = count(path)
        passed, failed, skipped = passed + p, failed + f, skipped + s
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
