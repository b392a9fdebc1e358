#!/bin/sh
# Prepares a read-only root file system: changing data is on the data partition, mounted at /var/lib.
set -eu

target_dir="$1"
board_dir="$(cd "$(dirname "$0")" && pwd)"
camera_lines="$board_dir/../../../config/mdev-camera.conf"
mdev_conf="$target_dir/etc/mdev.conf"
fstab="$target_dir/etc/fstab"

if [ -f "$fstab" ] && ! grep -q '^LABEL=es-iot-data' "$fstab"; then
	printf 'LABEL=es-iot-data\t/var/lib\text4\trw,noatime,nosuid,nodev,noexec\t0\t0\n' >> "$fstab"
fi
mkdir -p "$target_dir/var/lib"

# Give group video the camera nodes. The script may run on the same directory more than once.
if [ -f "$mdev_conf" ] && ! grep -qF "$(head -n 1 "$camera_lines")" "$mdev_conf"; then
	cat "$camera_lines" "$mdev_conf" > "$mdev_conf.new"
	mv "$mdev_conf.new" "$mdev_conf"
fi
