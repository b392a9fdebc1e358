#!/bin/sh
# Prepares a read-only root file system. Changing data is on the data partition, which es-iot-base mounts at /var/lib. The script
# may run on the same directory more than once.
set -eu

target_dir="$1"
board_dir="$(cd "$(dirname "$0")" && pwd)"
camera_lines="$board_dir/../../../config/mdev-camera.conf"
mdev_conf="$target_dir/etc/mdev.conf"
init_dir="$target_dir/etc/init.d"

mkdir -p "$target_dir/var/lib"

# The seed of the random numbers is on the data partition, which is mounted after S01.
if [ -f "$init_dir/S01seedrng" ]; then
	mv "$init_dir/S01seedrng" "$init_dir/S20seedrng"
fi

# Give group video the camera nodes.
if [ -f "$mdev_conf" ] && ! grep -qF "$(head -n 1 "$camera_lines")" "$mdev_conf"; then
	cat "$camera_lines" "$mdev_conf" > "$mdev_conf.new"
	mv "$mdev_conf.new" "$mdev_conf"
fi
