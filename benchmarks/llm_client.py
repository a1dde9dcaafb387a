"""Asking a model many times, side by side: Tamis and bespokelabs-curator on the same endpoint in the same run.

    python benchmarks/llm_client.py [--count 20000] [--slots 250,1000] [--latency 0.2] [--only tamis,client,curator]
                                    [--folder /tmp/tamis-llm-peers] [--json]
    python benchmarks/llm_client.py --refuse 50 [--count 20000]

The endpoint (`llm_server.py`, processes of its own, on the same cores) answers each request after the latency. tamis: through
`open_models`, journal and cache on, as a run asks; client: the HTTP client alone; curator: in an environment of its own under
--folder, its limits per minute lifted. Every reply is checked to be the right one. With --refuse the endpoint answers 429
above that many at once, and what Tamis gets of what it can serve is told, in the whole run and once settled (second half).

Columns. per s: requests answered per second, from the first to the last (Tamis: until the journal is closed); of ideal: of
slots / latency; CPU µs: of the client's process, a request; server µs: of the endpoint's; MB: peak of the client's process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from processes import last_word, measure

HERE = Path(__file__).parent
CURATOR = ("bespokelabs-curator==0.1.31",)


class Server:
    """The endpoint's processes. None is below this one, whose children `measure` counts, and ends."""

    def __init__(self, latency: float, *, limit: int = 0) -> None:
        command = [sys.executable, str(HERE / "llm_server.py"), "--detach", "--latency", str(latency)]
        command += ["--limit", str(limit), "--processes", "1" if limit else "2"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        port, *self._numbers = map(int, self._process.stdout.readline().split())
        self._process.wait()
        self.url = f"http://127.0.0.1:{port}/v1"
        time.sleep(0.5)

    def seconds(self) -> float:
        """CPU seconds so far."""
        told = [Path(f"/proc/{one}/stat").read_text().rpartition(") ")[2].split() for one in self._numbers]
        return sum(int(fields[11]) + int(fields[12]) for fields in told) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()


def python_of(name: str, folder: Path) -> tuple[Path | None, str]:
    """The interpreter that runs a driver, its environment made where it is not there; or what went wrong."""
    if name != "curator":
        return Path(sys.executable), ""
    home = folder / "curator"
    python = home / "bin/python"
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        base = shutil.which("python3.11") or sys.executable
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            *CURATOR,
        ]
        for command in ([base, "-m", "venv", str(home)], install):
            made = measure(command, folder, 900, folder / "install.txt")
            if made.problem:
                return None, f"not installed: {made.problem}"
        (home / "done").touch()
    return python, ""


def run(name: str, server: Server, count: int, slots: int, folder: Path, limit: float) -> dict[str, Any]:
    """One client, run and judged."""
    answer: dict[str, Any] = {"name": name, "slots": slots}
    python, problem = python_of(name, folder)
    if python is None:
        return answer | {"problem": problem}
    figures = folder / f"figures-{name}.json"
    figures.unlink(missing_ok=True)
    driver = HERE / "peer_drivers" / f"run_llm_{'curator' if name == 'curator' else 'tamis'}.py"
    command = [str(python), str(driver), server.url, str(count), str(slots), str(figures)]
    served = server.seconds()
    told = measure([*command, *(["client"] if name == "client" else [])], folder, limit, folder / f"log-{name}.txt")
    if told.problem or not figures.exists():
        return answer | {"problem": told.problem or f"failed: {last_word((folder / f'log-{name}.txt').read_text())}"}
    own = json.loads(figures.read_text())
    own |= {"server_us": 1e6 * (server.seconds() - served) / count, "peak_mb": told.peak_mb, "whole_s": told.wall}
    return answer | own | {"problem": "" if own["good"] == count else f"{count - own['good']} rows without their reply"}


def table(found: list[dict[str, Any]], count: int, latency: float) -> str:
    """The figures as Markdown."""
    lines = [f"{count:,} requests, each answered after {latency * 1000:.0f} ms.", ""]
    lines += ["| client | slots | per s | of ideal | s | CPU µs | server µs | MB |", "|---|" + "---:|" * 7]
    for one in found:
        if one["problem"]:
            lines.append(f"| {one['name']} | {one['slots']} | {one['problem']} | | | | | |")
            continue
        rate = count / one["seconds"]
        lines.append(
            f"| {one['name']} | {one['slots']:,} | {rate:,.0f} | {rate * latency / one['slots']:.1%} | {one['seconds']:.1f} "
            f"| {1e6 * one['cpu'] / count:.0f} | {one['server_us']:.0f} | {one['peak_mb']:.0f} |"
        )
    for slots in sorted({one["slots"] for one in found}):
        by = {one["name"]: one["seconds"] for one in found if one["slots"] == slots and not one["problem"]}
        if "curator" in by:
            lines += [
                "",
                f"{slots:,} slots: "
                + ", ".join(f"{n} {by['curator'] / s:.1f}× curator" for n, s in by.items() if n != "curator"),
            ]
    return "\n".join(lines)


async def refused(server: Server, count: int, limit: int, latency: float) -> str:
    """How near the window comes to a limit that nobody told it."""
    from tamis.llm.client import Endpoint
    from tamis.llm.spec import Connection

    sys.path.insert(0, str(HERE / "peer_drivers"))
    from _llm_rows import prompt, right

    async with Endpoint(Connection(url=server.url, slots=1000)) as endpoint:
        traffic, parts = endpoint.traffic("bench"), []
        numbers, good = iter(range(count)), 0

        async def worker() -> None:
            nonlocal good
            for number in numbers:
                body = {"model": "bench", "messages": [{"role": "user", "content": prompt(number)}]}
                reply = await endpoint.post("/chat/completions", body, model="bench")
                good += right(number, reply.data["choices"][0]["message"]["content"])
                if traffic.ok in (count // 2, count):
                    parts.append((time.perf_counter(), traffic.ok, traffic.refused, traffic.sent))

        parts.append((time.perf_counter(), 0, 0, 0))
        await asyncio.gather(*(worker() for _ in range(2000)))
    assert good == count
    lines = [
        f"A server that refuses above {limit} at once ({limit / latency:,.0f}/s), {count:,} requests, 1,000 slots allowed.",
        "",
    ]
    lines += ["| part | per s | of what it can serve | refused |", "|---|---:|---:|---:|"]
    for told, a, b in (("whole", parts[0], parts[-1]), ("second half", parts[1], parts[-1])):
        rate = (b[1] - a[1]) / (b[0] - a[0])
        lines.append(f"| {told} | {rate:,.0f} | {rate * latency / limit:.1%} | {(b[2] - a[2]) / (b[3] - a[3]):.2%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--slots", default="250,1000")
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--only", default="tamis,client,curator")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-llm-peers"))
    parser.add_argument("--limit", type=float, default=240, help="seconds that each client may take")
    parser.add_argument("--refuse", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    server = Server(options.latency, limit=options.refuse)
    try:
        if options.refuse:
            print(asyncio.run(refused(server, options.count, options.refuse, options.latency)))
            return
        found = []
        for slots in map(int, options.slots.split(",")):
            for name in options.only.split(","):
                found.append(run(name, server, options.count, slots, options.folder.resolve(), options.limit))
                print(f"{name}, {slots} slots: {found[-1]['problem'] or 'done'}", file=sys.stderr)
    finally:
        server.close()
    print(json.dumps(found, indent=1) if options.json else table(found, options.count, options.latency))


if __name__ == "__main__":
    main()
