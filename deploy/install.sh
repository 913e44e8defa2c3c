#!/bin/sh
# Install this checkout, with the locked versions of what it needs, into a directory of its own.
#   deploy/install.sh /opt/tallywatch
# The same steps make the container image. Running it again upgrades: the new tree replaces the old one in one rename,
# and the old one stays beside it as TARGET.previous, to go back to.
set -eu
[ $# -eq 1 ] || { echo "use: deploy/install.sh TARGET (say, /opt/tallywatch)" >&2; exit 2; }
target=$1
source=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo "deploy/install.sh: $python is older than 3.11: install a newer Python and name it in PYTHON" >&2; exit 1; }

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/.tallywatch.XXXXXX")
release="$target.release-$(date -u +%Y%m%d%H%M%S)"
trap 'rm -rf "$work"; [ "$(readlink "$target")" = "$release" ] || rm -rf "$release"' EXIT
trap 'exit 1' INT TERM
"$python" -m venv "$work/uv"
"$work/uv/bin/python" -m pip install --quiet --disable-pip-version-check uv
# Scripts in a virtual environment name it by its path, so it is made under its final name: a link that is switched.
"$python" -m venv "$release"
# Whoever runs it cannot write there: what is not compiled now is compiled at each start, and for each chart.
(cd "$source" && UV_CACHE_DIR="$work/cache" UV_PROJECT_ENVIRONMENT="$release" UV_PYTHON_DOWNLOADS=never \
    "$work/uv/bin/uv" sync --quiet --locked --no-dev --no-editable --extra parquet --link-mode copy --compile-bytecode)
"$release/bin/tallywatch" --help > /dev/null

previous=$(readlink "$target" || true)
ln -s "$release" "$work/link"
mv -T "$work/link" "$target"
if [ -n "$previous" ]; then
    ln -s "$previous" "$work/link"
    mv -T "$work/link" "$target.previous"
fi
# Any other release is older than both, was rolled back from, or is half of one that was killed.
for each in "$target".release-*; do
    [ "$each" = "$release" ] || [ "$each" = "$previous" ] || rm -rf "$each"
done
echo "Installed into $target"
