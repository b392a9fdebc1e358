SUMMARY = "es-iot-server and its dependencies on a Raspberry Pi"
DESCRIPTION = "The daemon, its client, the camera programs, and the machine's kernel modules, \
firmware and device rules."

COMPATIBLE_MACHINE = "^rpi$"
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup

RDEPENDS:${PN} = "\
    es-iot-ctl \
    es-iot-server \
"

# packagegroup-core-boot provides no kernel modules, no rules for the Pi's device nodes and no radio firmware; these do.
RRECOMMENDS:${PN} = "\
    libcamera-apps \
    ${MACHINE_EXTRA_RRECOMMENDS} \
"
