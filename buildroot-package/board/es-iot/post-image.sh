#!/bin/sh
# Assembles sdcard.img: post-image.sh IMAGES_DIR pi|qemu. Buildroot sets BINARIES_DIR and BUILD_DIR.
set -eu

board_dir="$(cd "$(dirname "$0")" && pwd)"
kind="$2"

work_dir="$(mktemp -d)"
trap 'rm -rf "$work_dir"' EXIT

# The boot partition's files in genimage's format: quoted, comma-separated, relative to the images directory.
boot_files() {
	cd "$BINARIES_DIR"
	for file in Image *.dtb rpi-firmware/*; do
		[ -e "$file" ] && printf '"%s", ' "$file"
	done
}

sed "s|@BOOT_FILES@|$(boot_files)|" "$board_dir/genimage-$kind.cfg.in" > "$work_dir/genimage.cfg"

# genimage copies the root path. It needs only the data partition's mount point from the root file system.
mkdir -p "$work_dir/root/var/lib"
rm -rf "$BUILD_DIR/genimage.tmp"
genimage \
	--config "$work_dir/genimage.cfg" \
	--rootpath "$work_dir/root" \
	--tmppath "$BUILD_DIR/genimage.tmp" \
	--inputpath "$BINARIES_DIR" \
	--outputpath "$BINARIES_DIR"
