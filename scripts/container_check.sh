#!/usr/bin/env bash
# Builds the image, runs it as the challenge would, and compares its output with the plain command's, bit for bit.
#
#   scripts/container_check.sh
#
# Needs podman (as root: runc; else rootless), and the project's environment (make setup). Where no registry can be
# reached, the base image is made with debootstrap, and the packages are wheels that the host's pip collects. BASE=image
# takes an image that is there already, with the host's Python version; WHEELS=folder takes collected wheels. TMPDIR says
# where the scratch lies.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
[[ -x $python ]] || { echo "no .venv here; run: make setup" >&2; exit 2; }
command -v podman >/dev/null || { echo "no podman here; run: apt-get install podman runc debootstrap" >&2; exit 2; }

image=localhost/unicare
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# --- base image and wheels
build=(--isolation chroot -t "$image")
registry=docker.io/library/python:3.11-slim
if [[ -z ${BASE:-} ]] && podman pull -q "$registry" >/dev/null 2>&1; then
    echo "base: $registry"
else
    if [[ -z ${BASE:-} ]]; then
        BASE=localhost/unicare-base
        if ! podman image exists "$BASE"; then
            echo "base: no registry, making one with debootstrap"
            debootstrap --variant=minbase --include=python3,python3-venv bookworm "$scratch/root" >"$scratch/debootstrap.log" \
                || { tail "$scratch/debootstrap.log" >&2; exit 1; }
            rm -rf "$scratch"/root/var/{cache/apt,lib/apt/lists}/*
            tar -C "$scratch/root" -c . | podman import -q - "$BASE" >/dev/null
            rm -rf "$scratch/root"
        fi
    fi
    echo "base: $BASE"
    inside=$(podman --runtime runc run --rm --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network none \
        "$BASE" python3 -c 'import sys; print(*sys.version_info[:2])')
    outside=$($python -c 'import sys; print(*sys.version_info[:2])')
    [[ $inside == "$outside" ]] \
        || { echo "the base has Python ${inside/ /.}, .venv has ${outside/ /.}; wheels wouldn't fit" >&2; exit 2; }
    if [[ -z ${WHEELS:-} ]]; then
        echo "wheels: collecting"
        WHEELS=$scratch/wheels
        $python -m pip wheel -q --disable-pip-version-check -c constraints.txt -w "$WHEELS" torch setuptools .
    fi
    build+=(--build-arg "BASE=$BASE" --build-arg PIP_FIND_LINKS=/wheels --build-arg PIP_NO_INDEX=1
        -v "$WHEELS:/wheels:ro")
fi
podman build "${build[@]}" . >"$scratch/build.log" 2>&1 || { tail -n 40 "$scratch/build.log" >&2; exit 1; }
echo "image: $image, $(podman image inspect --format '{{.Size}}' "$image" | numfmt --to=iec)"
rm -rf "$scratch/wheels"

# --- input: two small volumes with prompts
mkdir -p "$scratch/input/images" "$scratch/labels" "$scratch/output" "$scratch/plain"
$python scripts/container_input.py "$scratch/input/images" "$scratch/labels"
.venv/bin/unicare prompts simulate "$scratch/labels" "$scratch/input/prompts.json"

# --- the same twice
chmod -R a+rX "$scratch" && chmod 777 "$scratch/output"
podman --runtime runc run --rm --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
    --network none --read-only --cap-drop all --security-opt no-new-privileges --memory 2g --pids-limit 256 \
    -v "$scratch/input:/input:ro" -v "$scratch/output:/output" "$image" --device cpu
.venv/bin/unicare predict "$scratch/input" "$scratch/plain" --device cpu

# --- comparison
count=0
for plain in "$scratch"/plain/*_pred.nii.gz; do
    cmp "$plain" "$scratch/output/$(basename "$plain")"
    count=$((count + 1))
done
((count == 2)) || { echo "expected 2 predictions, found $count" >&2; exit 1; }
echo "the container's $count predictions are the plain command's, bit for bit"
