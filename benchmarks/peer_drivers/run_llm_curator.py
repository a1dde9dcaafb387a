"""bespokelabs-curator asks the endpoint: run_llm_curator.py URL COUNT SLOTS FIGURES.

Its rates per minute are lifted, so that only `max_concurrent_requests` (the slots) holds it. It counts each prompt's tokens
with a vocabulary that it downloads; where there is no network, words are counted instead, which is cheaper for it.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

url, count, slots, figures = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
home = tempfile.mkdtemp(prefix="curator-", dir=Path(figures).resolve().parent)
os.environ |= {
    "OPENAI_API_KEY": "none",
    "TELEMETRY_ENABLED": "false",
    "CURATOR_VIEWER": "false",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "CURATOR_CACHE_DIR": home,
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": home,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}

import tiktoken  # noqa: E402


class Words:
    def encode(self, text, **_):
        return text.split()


try:
    tiktoken.get_encoding("cl100k_base")
except Exception:
    tiktoken.get_encoding = lambda name: Words()

from bespokelabs import curator  # noqa: E402
from datasets import Dataset  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from _llm_rows import SYSTEM, prompt, right  # noqa: E402


class Label(curator.LLM):
    def prompt(self, row):
        return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": row["text"]}]

    def parse(self, row, response):
        return {"number": row["number"], "answer": response}


rows = Dataset.from_list([{"number": number, "text": prompt(number)} for number in range(count)])
llm = Label(
    model_name="bench",
    backend="openai",
    backend_params={
        "base_url": url,
        "max_requests_per_minute": 1_000_000_000,
        "max_tokens_per_minute": 1_000_000_000_000,
        "max_concurrent_requests": slots,
        "max_retries": 5,
    },
)
began, cpu = time.perf_counter(), time.process_time()
told = llm(rows)
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
answers = getattr(told, "dataset", told)
good = sum(right(one["number"], one["answer"]) for one in answers)
with open(figures, "w") as file:
    json.dump({"seconds": seconds, "cpu": cpu, "good": good}, file)
