#!/bin/sh
# Assembles sdcard.img: post-image.sh IMAGES_DIR pi|pi-ab|qemu. Buildroot sets BINARIES_DIR and BUILD_DIR.
set -eu

board_dir="$(cd "$(dirname "$0")" && pwd)"
kind="$2"

work_dir="$(mktemp -d)"
trap 'rm -rf "$work_dir"' EXIT

layout="$board_dir/genimage.cfg.in"
case "$kind" in
	# Kernel, device trees, firmware and the overlays of every camera.
	pi) boot_size=64M ;;
	# The kernel is in the root file system.
	pi-ab) boot_size=64M layout="$board_dir/ab/genimage.cfg.in" ;;
	# QEMU loads the kernel directly: only the settings.
	qemu) boot_size=16M ;;
	*) echo "usage: $0 IMAGES_DIR pi|pi-ab|qemu" >&2; exit 2 ;;
esac

# The boot partition's files in genimage's format: quoted, comma-separated, relative to the images directory.
boot_files() {
	cd "$BINARIES_DIR"
	case "$kind" in
		pi) set -- Image *.dtb rpi-firmware/* ;;
		pi-ab) set -- u-boot.bin boot.scr *.dtb rpi-firmware/* ;;
	esac
	for file in es-iot-card/* "$@"; do
		[ -e "$file" ] && printf '"%s", ' "$file"
	done
}

# What the device's user may put there, and how.
rm -rf "$BINARIES_DIR/es-iot-card"
cp -R "$board_dir/../../../config/card" "$BINARIES_DIR/es-iot-card"
slot_size="$(wc -c < "$BINARIES_DIR/rootfs.ext4")"
sed -e "s|@BOOT_SIZE@|$boot_size|" -e "s|@SLOT_SIZE@|$slot_size|" -e "s|@BOOT_FILES@|$(boot_files)|" "$layout" > "$work_dir/genimage.cfg"

# genimage copies the root path. It needs only the data partition's mount point from the root file system.
mkdir -p "$work_dir/root/var/lib"
rm -rf "$BUILD_DIR/genimage.tmp"
genimage \
	--config "$work_dir/genimage.cfg" \
	--rootpath "$work_dir/root" \
	--tmppath "$BUILD_DIR/genimage.tmp" \
	--inputpath "$BINARIES_DIR" \
	--outputpath "$BINARIES_DIR"

# The room that is left for what you add.
dumpe2fs -h "$BINARIES_DIR/rootfs.ext4" 2>/dev/null | awk -F ': *' '
	$1 == "Block count" { blocks = $2 }
	$1 == "Free blocks" { free = $2 }
	$1 == "Block size" { kib = $2 / 1024 }
	END {
		printf "root file system: %.1f MiB used, %.1f of %.1f MiB free (BR2_TARGET_ROOTFS_EXT2_SIZE)\n",
			(blocks - free) * kib / 1024, free * kib / 1024, blocks * kib / 1024
	}'
echo "$BINARIES_DIR/sdcard.img: $(wc -c < "$BINARIES_DIR/sdcard.img") bytes"
