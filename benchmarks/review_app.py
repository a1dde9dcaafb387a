"""The review app's server over a workspace: seconds and processor seconds of each question, and the server's memory.

    python benchmarks/review_app.py WORKSPACE

WORKSPACE is a folder with a run, such as `rows-1000000` of benchmarks/pipeline.py. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

QUESTIONS = [
    ("overview", {}),
    ("rows", {"limit": 100}),
    ("rows", {"limit": 100, "offset": 500_000}),
    ("rows", {"q": "refund"}),
    ("rows", {"q": "words that are nowhere"}),
    ("rows", {"where": "category = 'topic_03'"}),
    ("rows", {"where": "length(response) > 900"}),
    ("rows", {"outcome": "dropped", "limit": 500}),
    ("rows", {"sort": "category"}),
    ("rows", {"sort": "source.id", "descending": "true"}),
    ("facets", {"of": "outcome,step,category"}),
    ("facets", {"of": "source.id"}),
    ("copies", {}),
]


def cpu(pid: int) -> float:
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> dict[str, int]:
    """MB resident now and at the peak."""
    lines = Path(f"/proc/{pid}/status").read_text().split("\n")
    return {line.split()[0]: int(line.split()[1]) // 1000 for line in lines if line.startswith(("VmRSS", "VmHWM"))}


def main(workspace: Path) -> None:
    command = [sys.executable, "-m", "tamis", "review", "--no-browser", "--port", "0", "-w", str(workspace)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        link = process.stdout.readline().strip()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        browser.open(link).read()
        base = link.partition("/enter")[0]
        print("| question | wall s | CPU s | KB | MB now | MB peak |\n|---|---|---|---|---|---|")
        for path, query in QUESTIONS:
            before, started = cpu(process.pid), time.perf_counter()
            data = browser.open(f"{base}/api/{path}?{urlencode(query)}").read()
            wall, used, held = time.perf_counter() - started, cpu(process.pid) - before, memory(process.pid)
            told = f"{path} {urlencode(query)}"
            print(
                f"| {told} | {wall:.2f} | {used:.2f} | {len(data) / 1000:.0f} | {held['VmRSS:']} | {held['VmHWM:']} |"
            )
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    main(parser.parse_args().workspace.resolve())
