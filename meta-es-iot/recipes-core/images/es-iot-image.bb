SUMMARY = "Minimal Raspberry Pi image with es-iot-server"
DESCRIPTION = "Read-only root, with /var/lib on a partition of its own: what the daemon \
keeps outlives a power cut and an update. No ssh server, and nobody can log in."
LICENSE = "MIT"

COMPATIBLE_MACHINE = "^rpi$"

IMAGE_FEATURES += "read-only-rootfs"
IMAGE_INSTALL = "packagegroup-core-boot packagegroup-es-iot ${CORE_IMAGE_EXTRA_INSTALL}"
IMAGE_LINGUAS = ""
IMAGE_FSTYPES = "wic.bz2 wic.bmap"
WKS_FILE = "es-iot-sdimage.wks"

inherit core-image

# Camera nodes for group video where mdev makes /dev; with udev, the machine's own rules see to it.
es_iot_mdev_camera() {
    if [ -f ${IMAGE_ROOTFS}${sysconfdir}/mdev.conf ]; then
        cat ${IMAGE_ROOTFS}${datadir}/es-iot/mdev-camera.conf ${IMAGE_ROOTFS}${sysconfdir}/mdev.conf \
            > ${WORKDIR}/mdev.conf
        install -m 0644 ${WORKDIR}/mdev.conf ${IMAGE_ROOTFS}${sysconfdir}/mdev.conf
    fi
}
ROOTFS_POSTPROCESS_COMMAND += "es_iot_mdev_camera"
