#!/bin/sh
# Make sure that the live tests have a QEMU: as root on Debian, install it; else say what is skipped.
# QSCOPE_QEMU names another binary; QSCOPE_NO_APT=1 forbids installing.
qemu=${QSCOPE_QEMU:-qemu-system-x86_64}
command -v "$qemu" >/dev/null 2>&1 && exit 0
skipped="the live tests (pytest -m live) are skipped; 'apt-get install qemu-system-x86' or QSCOPE_QEMU=/path/to/qemu gets them"
if [ -n "${QSCOPE_NO_APT:-}" ]; then
    echo "no $qemu here, and QSCOPE_NO_APT forbids installing one: $skipped" >&2
elif [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "no $qemu here, and only root on Debian installs one: $skipped" >&2
else
    echo "no $qemu here: installing Debian's qemu-system-x86 (QSCOPE_NO_APT=1 forbids)" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends qemu-system-x86; } >/dev/null ||
        echo "that failed: $skipped" >&2
fi
exit 0
