SUMMARY = "Minimal Raspberry Pi image with es-iot-server"
DESCRIPTION = "Read-only root, with /var/lib on a separate partition: the daemon's state \
survives power cuts and updates. Settings on the card's first partition. No login, unless \
ssh-server-dropbear is in IMAGE_FEATURES."
LICENSE = "MIT"

COMPATIBLE_MACHINE = "^rpi$"

IMAGE_FEATURES += "read-only-rootfs"
IMAGE_INSTALL = "packagegroup-core-boot packagegroup-es-iot ${CORE_IMAGE_EXTRA_INSTALL}"
IMAGE_LINGUAS = ""
IMAGE_FSTYPES = "wic.bz2 wic.bmap"
WKS_FILE = "es-iot-sdimage.wks"

inherit core-image es_iot_image
