#!/bin/sh
# Prepares a read-only root file system. Changing data is on the data partition, which es-iot-base mounts at /var/lib. The script
# may run on the same directory more than once.
#
#   post-build.sh TARGET_DIR KIND    (see post-image.sh)
#
# For KIND pi-ab, the environment may have ES_IOT_UPDATE_CERTIFICATE, a path, and ES_IOT_IMAGE_VERSION.
set -eu

target_dir="$1"
kind="${2:-}"
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

# Updates: the program, the certificate of those that this image accepts, and what it is. SWUpdate compares the board's name.
if [ "$kind" = pi-ab ]; then
	cp -R "$board_dir/ab/rootfs-overlay/." "$target_dir"
	version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$board_dir/../../../Cargo.toml")"
	printf 'VERSION_ID="%s"\n' "${ES_IOT_IMAGE_VERSION:-$version}" > "$target_dir/etc/es-iot/image-release"
	echo "es-iot raspberrypi4_64_ab" > "$target_dir/etc/hwrevision"
	rm -f "$target_dir/etc/es-iot/update.pem"
	if [ -n "${ES_IOT_UPDATE_CERTIFICATE:-}" ]; then
		install -m 0644 "$ES_IOT_UPDATE_CERTIFICATE" "$target_dir/etc/es-iot/update.pem"
	else
		echo "warning: without ES_IOT_UPDATE_CERTIFICATE, this image accepts no updates" >&2
	fi
fi
