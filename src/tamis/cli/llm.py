"""Serve a small model on this machine, for trying recipes that call models."""

from __future__ import annotations

import click

from .common import json_option


@click.group("llm", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Serve a small model on this machine, for trying recipes that call models.

    Recipes start it by themselves where they name `local/smollm2`. With --json the address is told as JSON.

    \b
    Example:
      tamis llm serve --port 8080
    """


@command.command("serve")
@click.option("--model", default="smollm2", show_default=True, help="smollm2, or the path of a .gguf file.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; there is no key.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--slots", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at once.")
@click.option("--threads", type=click.IntRange(1), default=None, help="Threads (default: half of the cores).")
@click.option("--child", is_flag=True, hidden=True, help="End with the process that started this one.")
@json_option
def serve(model: str, host: str, port: int, slots: int, threads: int | None, child: bool, as_json: bool) -> None:
    """Serve a model behind an OpenAI-compatible API, until Ctrl-C.

    \b
    Example:
      tamis llm serve --port 8080
      curl http://127.0.0.1:8080/v1/models
    """
    import asyncio
    import json
    import os
    import sys

    from tamis.llm import serve as server

    def ready(url: str) -> None:
        if child or as_json:
            print(json.dumps({"url": url, "model": model}), flush=True)
        else:
            click.echo(f"{model} is served at {url}; Ctrl-C ends it", err=True)

    async def forever() -> None:
        await asyncio.Event().wait()

    ended = server.parent_gone if child else forever
    try:
        asyncio.run(
            server.serve(
                model, host=host, port=0 if child else port, slots=slots, threads=threads, ready=ready, ended=ended
            )
        )
    except KeyboardInterrupt:
        click.echo("ended", err=True)
    sys.stdout.flush()
    os._exit(0)  # llama.cpp's threads are not waited for
