SUMMARY = "es-iot-server and what it needs on a Raspberry Pi"
DESCRIPTION = "The daemon, its client, the camera programs, the publisher, and the modules, \
firmware and device rules of the machine."

COMPATIBLE_MACHINE = "^rpi$"
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup

RDEPENDS:${PN} = "\
    es-iot-ctl \
    es-iot-server \
"

# packagegroup-core-boot brings no kernel modules, no rules for the Pi's device nodes and no radio firmware; these do.
# The daemon itself recommends ffmpeg, where its licence is accepted.
RRECOMMENDS:${PN} = "\
    libcamera-apps \
    ${MACHINE_EXTRA_RRECOMMENDS} \
"
