"""Build `src/tamis/engine/kernels/data/spelling_en.npz`: English words, and how frequent each is.

Sources, pinned: the 82,765 words and counts of symspellpy's English dictionary (MIT; words that are both in SCOWL and in
Google Books' n-grams), and the American word list of SCOWL as Debian packages it (permissive; the notice is in
`data/README.md`). American spellings take the count of their British sisters; what the web added since is listed below.

    pip download --no-deps symspellpy==6.10.1 -d /tmp/words && (cd /tmp/words && apt-get download wamerican)
    python scripts/build_spelling.py /tmp/words/symspellpy-6.10.1-py3-none-any.whl /tmp/words/wamerican_2020.12.07-2_all.deb
"""

import argparse
import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parent.parent / "src/tamis/engine/kernels/data/spelling_en.npz"
SHA256 = {
    "wheel": "a653a6c125839a21ada87c3e044d690fc3b39872efbd7b7270db3de9471315e1",
    "deb": "c8f8e2b2ad0d37bfdd41f0e40f1e4c8e5f907467d768a1d3698b164e9617f0b4",
}
#: levels: how many words are at least as frequent; 1 is any word
RANKS = {4: 1_500, 3: 10_000, 2: 30_000}
#: American from British: pattern, replacement
AMERICAN = (
    (r"our(?=s?$|ed|ing|er|ite|able|ful|less|al|hood|ly)", "or"), (r"tre(s?)$", r"ter\1"), (r"ys(e[ds]?|ing|er)$", r"yz\1"),
    (r"is(e[ds]?|ing|er|ation|ations)$", r"iz\1"), (r"ll(ed|ing|er|ers|ous)$", r"l\1"), (r"ence(s?)$", r"ense\1"),
    (r"ogue(s?)$", r"og\1"), (r"(?:ae|oe)", "e"), (r"sceptic", "skeptic"), (r"mould", "mold"), (r"plough", "plow"), (r"grey", "gray"),
    (r"^artefact", "artifact"), (r"sulph", "sulf"), (r"cosy", "cozy"), (r"fulfil$", "fulfill"),
)  # fmt: skip
#: words of computing, the web and the last twenty years that neither source has
NEW = ["aggregator", "analytics", "anime", "app", "apps", "argparse", "args", "async", "autocomplete", "autoencoder", "autoregressive", "backend", "backends", "backlink", "backlinks", "backpropagation", "backtrack", "backtracking", "barcode", "binning", "biomarker", "bitcoin", "bitcoins", "bitrate", "blockchain", "blog", "blogger", "bootloader", "boolean", "booleans", "bytecode", "cdn", "chatbot", "chatbots", "checkbox", "chia", "charset", "codebase", "codec", "codecs", "combinatorics", "composable", "config", "configs", "convolutional", "coronavirus", "coroutine", "coroutines", "covid", "cron", "crontab", "crowdfunding", "crowdsourcing", "crypto", "cryptocurrencies", "cryptocurrency", "csv", "customizable", "cyber", "cyberattack", "cyberbullying", "cybercrime", "cybercriminals", "cybersecurity", "dataframe", "dataframes", "dataset", "datasets", "datatype", "datetime", "decoupled", "dedupe", "defragment", "deserialize", "dev", "devs", "dict", "doesn", "don", "dropdown", "eigenvalue", "eigenvector", "ebook", "ebooks", "ecommerce", "elif", "email", "emails", "embeddings", "emoji", "emojis", "endpoint", "endpoints", "enum", "enums", "explainability", "facebook", "feedforward", "filename", "filenames", "filesystem", "filesystems", "firmware", "flexbox", "forex", "framebuffer", "frontend", "frontends", "func", "gameplay", "gamification", "geolocation", "gigabyte", "github", "google", "googled", "grayscale", "greenhouse", "gzip", "hackathon", "hadn", "hardcoded", "hasn", "hashtag", "hashtags", "hashmap", "haven", "hostname", "hotspot", "href", "html", "http", "https", "hyperlink", "hyperlinks", "hyperparameter", "hyperparameters", "impactful", "incentivize", "inbox", "inclusivity", "infographic", "infographics", "influencer", "influencers", "init", "inline", "interpretability", "ints", "instagram", "internet", "interoperability", "intranet", "iphone", "ipsum", "isn", "iterable", "iterables", "iterator", "iterators", "javascript", "journaling", "json", "kanban", "keyframe", "keyframes", "keymap", "keyword", "keywords", "kibibyte", "kotlin", "kwargs", "lambda", "laptop", "laptops", "leetcode", "lifecycle", "linkedin", "linux", "login", "logins", "logout", "lookahead", "lookup", "lookups", "malware", "mashup", "matplotlib", "megabyte", "memoization", "memoize", "metadata", "metaverse", "microcontroller", "microplastic", "microplastics", "microservice", "microservices", "middleware", "minimalistic", "mkdir", "modem", "multicolored", "multiline", "multimedia", "multiplayer", "multithreaded", "multithreading", "namespace", "namespaces", "netflix", "nullable", "numpy", "nums", "onboard", "onboarding", "online", "onwards", "opensource", "outmaneuver", "overfit", "overfitting", "overreliance", "param", "params", "parser", "parsers", "parsing", "pathfinding", "pdf", "perceptron", "phishing", "pixel", "pixels", "playlist", "playlists", "plugin", "plugins", "podcast", "podcasts", "popup", "popups", "preload", "preprocess", "preprocessing", "prepend", "pretrained", "printf", "println", "programmatically", "pseudocode", "pseudorandom", "python", "qubit", "qubits", "quantile", "quantiles", "ransomware", "readme", "realtime", "refactor", "refactored", "refactoring", "regex", "regexes", "rebrand", "reimagined", "repo", "repos", "reskilling", "roadmap", "roadmaps", "router", "routers", "runtime", "runtimes", "sandbox", "sanitization", "scalable", "scalability", "scatterplot", "schema", "schemas", "screenshot", "screenshots", "searchable", "selfie", "selfies", "serializer", "sharding", "shader", "shaders", "signup", "skincare", "smartphone", "smartphones", "smartwatch", "smoothie", "smoothies", "snapchat", "softmax", "spacetime", "spam", "spammer", "spreadsheet", "spreadsheets", "spyware", "sql", "sqrt", "startup", "startups", "stakeholder", "stakeholders", "stderr", "stdin", "stdout", "storytelling", "struct", "structs", "subarray", "subclass", "subdirectory", "subdomain", "subfield", "subfields", "submatrix", "submenu", "subnet", "substring", "substrings", "subtask", "subtree", "subreddit", "sudo", "supermassive", "sympy", "systemd", "tablet", "tablets", "teamwork", "telehealth", "telemedicine", "tensor", "tensors", "terraforming", "textbox", "timedelta", "timeframe", "timeframes", "timestamp", "timestamps", "todo", "tokenization", "tokenize", "tokenized", "tokenizer", "tokenizing", "toolbar", "toolkit", "toolkits", "touchpoints", "touchscreen", "tradeoff", "tradeoffs", "transformative", "tuple", "tuples", "tweet", "tweets", "twitter", "typescript", "ubuntu", "unboxing", "unfollow", "unfriend", "unicode", "uninstall", "unlabeled", "unpredictability", "upcycle", "upcycling", "uptime", "url", "urls", "userspace", "usability", "username", "usernames", "utils", "validator", "validators", "variadic", "vectorized", "vegan", "vegans", "viewport", "virtualization", "virtualized", "vlog", "vlogger", "voicemail", "voxel", "wasn", "webcam", "webinar", "webinars", "webpage", "webpages", "webhook", "webhooks", "website", "websites", "websocket", "wellbeing", "weren", "whitelist", "widget", "widgets", "wifi", "wiki", "wikipedia", "wireframe", "wirelessly", "wordpress", "workflow", "workflows", "workspace", "wouldn", "wrapper", "wrappers", "xml", "yaml", "yoga", "youtube", "youtuber", "zoom", "couldn", "shouldn", "didn", "aren", "ain", "mustn", "needn", "favorites", "hydrated", "superfood", "superfoods", "biodiversity", "mindfulness", "sustainability", "bioluminescence", "bioluminescent", "rainforest", "rainforests", "ecosystem", "ecosystems", "artisanal", "barista", "tofu", "quinoa", "hummus", "guacamole", "tortilla", "burrito", "kimchi", "sushi", "ramen", "avocado", "avocados", "pesto", "mojito", "carb", "carbs", "glutes"]  # fmt: skip


def data_of(deb: bytes) -> bytes:
    """The word list inside a Debian package, which is an `ar` archive of tar files."""
    at = 8
    while at < len(deb):
        name, size = deb[at : at + 16].strip(), int(deb[at + 48 : at + 58])
        if name.startswith(b"data.tar"):
            with tarfile.open(fileobj=io.BytesIO(deb[at + 60 : at + 60 + size])) as tar:
                file = tar.extractfile("./usr/share/dict/american-english")
                assert file is not None
                return file.read()
        at += 60 + size + size % 2
    raise SystemExit("the package holds no data")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("deb", type=Path)
    options = parser.parse_args()
    for name in SHA256:
        found = hashlib.sha256(getattr(options, name).read_bytes()).hexdigest()
        assert found == SHA256[name], f"{name}: another file, sha256 {found}"
    counts: dict[str, int] = {}
    with zipfile.ZipFile(options.wheel) as wheel:
        text = wheel.read("symspellpy/frequency_dictionary_en_82_765.txt").decode("utf-8-sig")
    for line in text.splitlines():
        word, count = line.split()
        counts[word] = int(count)
    american = {word for word in data_of(options.deb.read_bytes()).decode().split() if re.fullmatch("[a-z]+", word)}
    for word in sorted(counts):
        for pattern, replacement in AMERICAN:
            sister = re.sub(pattern, replacement, word)
            if sister != word and sister in american and sister not in counts:
                counts[sister] = counts[word]
    for word in (*sorted(american), *NEW):
        counts.setdefault(word, 0)
    usable = {word: count for word, count in counts.items() if re.fullmatch("[a-z]{2,16}", word)}
    ranked = sorted(usable, key=lambda word: (-usable[word], word))
    levels = {
        word: max((level for level, rank in RANKS.items() if k < rank), default=1) for k, word in enumerate(ranked)
    }
    words = sorted(usable)
    raw = np.frombuffer("\n".join(words).encode(), np.uint8)
    np.savez_compressed(TARGET, words=raw, levels=np.array([levels[word] for word in words], np.uint8))
    print(f"{TARGET}: {len(words)} words, {TARGET.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
