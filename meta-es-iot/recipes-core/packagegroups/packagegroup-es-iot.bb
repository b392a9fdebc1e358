SUMMARY = "es-iot-server and its dependencies on a Raspberry Pi"
DESCRIPTION = "The daemon, its client, what an image needs around them, the camera programs, and \
the machine's kernel modules, firmware and device rules."

COMPATIBLE_MACHINE = "^rpi$"
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup

RDEPENDS:${PN} = "\
    es-iot-base \
    es-iot-ctl \
    es-iot-server \
"

# packagegroup-core-boot provides no kernel modules, no rules for the Pi's device nodes and no radio firmware;
# MACHINE_EXTRA_RRECOMMENDS does. wpa_supplicant joins the Wi-Fi that the card names. avahi-daemon announces the device.
RRECOMMENDS:${PN} = "\
    avahi-daemon \
    libcamera-apps \
    wireless-regdb-static \
    wpa-supplicant \
    ${MACHINE_EXTRA_RRECOMMENDS} \
"
# systemd feeds the hardware watchdog itself, see es-iot-base.
RRECOMMENDS:${PN} += "${@bb.utils.contains('DISTRO_FEATURES', 'systemd', '', 'watchdog-keepalive', d)}"
