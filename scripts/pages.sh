#!/usr/bin/env bash
# The pages of the review app: frontend/ is built into src/tamis/web/static, which git ignores and the wheel holds.
#   scripts/pages.sh build    build them; fails where they cannot be built
#   scripts/pages.sh maybe    build them where Node is there; says so in one line where it is not
#   scripts/pages.sh check    types, and their own tests, where Node is there
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}
built=src/tamis/web/static/index.html

[ -f frontend/package.json ] || exit 0

because=""
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    because="Node is not here"
elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    because="Node $(node --version) is too old"
fi
if [ -n "$because" ]; then
    if [ -f "$built" ]; then told="are as they were built before"; else told="are not built: tamis review says how"; fi
    [ "$what" = check ] && told="are not checked"
    echo "pages: $because (20.19 or newer builds them); the review app's pages $told" >&2
    [ "$what" != build ]
    exit
fi

cd frontend
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo "pages: installing what builds them (a minute the first time)"
    if ! npm ci --no-audit --no-fund --loglevel=error >/dev/null; then
        echo "pages: npm ci failed; the review app's pages are not built. Hint: make web, once the network is there" >&2
        [ "$what" != build ]
        exit
    fi
    touch node_modules/.package-lock.json
fi
if [ "$what" = check ]; then
    npm run --silent check
    npm run --silent test
else
    npm run --silent build >/dev/null
    echo "pages: built into src/tamis/web/static"
fi
