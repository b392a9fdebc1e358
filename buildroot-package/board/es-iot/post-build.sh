#!/bin/sh
# Makes the root file system ready to be read-only: what changes is on the data partition, mounted at /var/lib.
set -eu

target_dir="$1"
fstab="$target_dir/etc/fstab"

if [ -f "$fstab" ] && ! grep -q '^LABEL=es-iot-data' "$fstab"; then
	printf 'LABEL=es-iot-data\t/var/lib\text4\trw,noatime,nosuid,nodev,noexec\t0\t0\n' >> "$fstab"
fi
mkdir -p "$target_dir/var/lib"
