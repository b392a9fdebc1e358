SUMMARY = "What an image needs around es-iot-server"
SUMMARY:${PN}-card = "Settings from the card's first partition"
SUMMARY:${PN}-data = "Data partition at /var/lib, grown and repaired at boot"
SUMMARY:${PN}-network = "DHCP and Wi-Fi for es-iot-server's images"
SUMMARY:${PN}-ntpd = "BusyBox ntpd with the configured servers"
DESCRIPTION = "Prepares and mounts the data partition, takes settings over from the card's first \
partition, and brings up network and time. The scripts are in config/base of the repository."
SECTION = "base"
LICENSE = "MIT"

SRC_URI = "file://es-iot-syslog.conf file://es-iot-watchdog.conf"

require es-iot-source.inc

# Nothing is compiled.
INHIBIT_DEFAULT_DEPS = "1"

inherit systemd update-rc.d useradd

ES_IOT_INPUTS = "LICENSE config/base"

# Settings of all devices with this image, in /etc/es-iot/image.conf. The card's es-iot.conf overrides them.
ES_IOT_HOSTNAME ?= ""
ES_IOT_NTP_SERVER ?= ""
ES_IOT_SYSLOG_SERVER ?= ""
ES_IOT_RTSP_URL ?= ""
ES_IOT_LOG_LEVEL ?= ""

# Absolute paths of files on the build machine. JSON with the keys of server.json to change:
ES_IOT_OVERLAY ?= ""
# Wi-Fi, as long as the card has no wpa_supplicant.conf:
ES_IOT_WPA_SUPPLICANT_CONF ?= ""
# The keys of root's ssh logins. With them, the card's authorized_keys are not read:
ES_IOT_AUTHORIZED_KEYS ?= ""

# The rules are those of es-iot-card, which ignores what breaks them. Here, the build stops.
def es_iot_image_conf(d):
    import re
    host = r'[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}'
    rules = {
        'ES_IOT_HOSTNAME': (r'[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?', 'letters, digits and inner hyphens, at most 63'),
        'ES_IOT_NTP_SERVER': (r'%s( +%s){0,7}' % (host, host), '1 to 8 host names or addresses, separated by spaces'),
        'ES_IOT_SYSLOG_SERVER': (host, 'HOST or HOST:PORT'),
        'ES_IOT_RTSP_URL': (r'rtsps?://[!#-\[\]-~]{1,1016}', 'rtsp:// or rtsps://, without spaces, quotes and backslashes'),
        'ES_IOT_LOG_LEVEL': (r'TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL', 'TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL'),
    }
    lines = []
    for name, (rule, allowed) in rules.items():
        value = d.getVar(name)
        if value and not re.fullmatch(rule, value):
            raise bb.parse.SkipRecipe('%s is not valid; allowed: %s' % (name, allowed))
        if value:
            lines.append('%s=%s\n' % (name[len('ES_IOT_'):], value))
    return ''.join(lines)

# nooelint: oelint.task.noanonpython - invalid values skip the recipe with a message
python () {
    es_iot_image_conf(d)
    for name in ('ES_IOT_OVERLAY', 'ES_IOT_WPA_SUPPLICANT_CONF', 'ES_IOT_AUTHORIZED_KEYS'):
        path = d.getVar(name)
        if path and not (os.path.isabs(path) and os.path.isfile(path)):
            raise bb.parse.SkipRecipe('%s must be the absolute path of a file, not "%s"' % (name, path))
        if path:
            d.appendVarFlag('do_install', 'file-checksums', ' %s:True' % path)
}

do_configure[noexec] = "1"
do_compile[noexec] = "1"

PACKAGE_BEFORE_PN = "${PN}-card ${PN}-data ${PN}-network ${PN}-ntpd"

FILES:${PN} += "${systemd_unitdir}/system.conf.d ${systemd_system_unitdir}/busybox-syslog.service.d"
FILES:${PN}-card += "\
    ${libexecdir}/es-iot-card \
    ${sysconfdir}/es-iot \
    ${sysconfdir}/init.d/es-iot-card \
    ${systemd_system_unitdir}/es-iot-card.service \
"
FILES:${PN}-data += "\
    ${libexecdir}/es-iot-data \
    ${sysconfdir}/init.d/es-iot-data \
    ${systemd_system_unitdir}/es-iot-data.service \
"
FILES:${PN}-network += "\
    ${libexecdir}/es-iot-network \
    ${sysconfdir}/init.d/es-iot-network \
    ${systemd_system_unitdir}/es-iot-wifi.service \
    ${systemd_unitdir}/network \
"
FILES:${PN}-ntpd += "${sysconfdir}/init.d/es-iot-ntpd ${sysconfdir}/udhcpc.d"

# On sysvinit it only depends on the others.
ALLOW_EMPTY:${PN} = "1"

RDEPENDS:${PN} = "${PN}-card ${PN}-data ${PN}-network"
RDEPENDS:${PN} += "${@bb.utils.contains('DISTRO_FEATURES', 'systemd', '', '${PN}-ntpd', d)}"
RDEPENDS:${PN}-card = "${PN}-data es-iot-server"
RDEPENDS:${PN}-data = "\
    e2fsprogs-e2fsck \
    e2fsprogs-mke2fs \
    e2fsprogs-resize2fs \
    util-linux-blkid \
    util-linux-partx \
    util-linux-sfdisk \
"

SYSTEMD_PACKAGES = "${PN}-card ${PN}-data ${PN}-network"
SYSTEMD_SERVICE:${PN}-card = "es-iot-card.service"
SYSTEMD_SERVICE:${PN}-data = "es-iot-data.service"
SYSTEMD_SERVICE:${PN}-network = "es-iot-wifi.service"

# The data partition before read-only-rootfs-hook.sh (S29), which would cover /var/lib. The settings after hostname.sh (S39).
INITSCRIPT_PACKAGES = "${PN}-card ${PN}-data ${PN}-network ${PN}-ntpd"
INITSCRIPT_NAME:${PN}-card = "es-iot-card"
INITSCRIPT_PARAMS:${PN}-card = "start 41 S ."
INITSCRIPT_NAME:${PN}-data = "es-iot-data"
INITSCRIPT_PARAMS:${PN}-data = "start 28 S ."
INITSCRIPT_NAME:${PN}-network = "es-iot-network"
INITSCRIPT_PARAMS:${PN}-network = "start 02 2 3 4 5 . stop 79 0 1 6 ."
INITSCRIPT_NAME:${PN}-ntpd = "es-iot-ntpd"
INITSCRIPT_PARAMS:${PN}-ntpd = "start 21 2 3 4 5 . stop 19 0 1 6 ."

# The overlay may hold secrets: only root and the daemon's group read it. The numbers are those of es-iot-server.
USERADD_PACKAGES = "${PN}-card"
GROUPADD_PARAM:${PN}-card = "--system --gid 95 es-iot"

do_install() {
    install -d ${D}${libexecdir} ${D}${INIT_D_DIR} ${D}${systemd_system_unitdir} ${D}${systemd_unitdir}/network
    install -d ${D}${systemd_unitdir}/system.conf.d ${D}${sysconfdir}/udhcpc.d ${D}${sysconfdir}/es-iot

    install -m 0755 ${S}/config/base/es-iot-data ${D}${libexecdir}/
    install -m 0755 ${S}/config/base/es-iot-card ${D}${libexecdir}/
    install -m 0755 ${S}/config/base/es-iot-network ${D}${libexecdir}/
    install -m 0755 ${S}/config/base/es-iot-udhcpc ${D}${sysconfdir}/udhcpc.d/60es-iot

    install -m 0755 ${S}/config/base/es-iot-data.init ${D}${INIT_D_DIR}/es-iot-data
    install -m 0755 ${S}/config/base/es-iot-card.init ${D}${INIT_D_DIR}/es-iot-card
    install -m 0755 ${S}/config/base/es-iot-network.init ${D}${INIT_D_DIR}/es-iot-network
    install -m 0755 ${S}/config/base/es-iot-ntpd.init ${D}${INIT_D_DIR}/es-iot-ntpd
    install -m 0644 ${S}/config/base/es-iot-data.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/config/base/es-iot-card.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/config/base/es-iot-wifi.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/config/base/80-es-iot-wlan.network ${D}${systemd_unitdir}/network/
    install -m 0644 ${UNPACKDIR}/es-iot-watchdog.conf ${D}${systemd_unitdir}/system.conf.d/20-es-iot-watchdog.conf
    install -D -m 0644 ${UNPACKDIR}/es-iot-syslog.conf ${D}${systemd_system_unitdir}/busybox-syslog.service.d/es-iot.conf

    # RTSP_URL may hold a password.
    install -m 0600 ${S}/config/base/image.conf ${D}${sysconfdir}/es-iot/
    cat >> ${D}${sysconfdir}/es-iot/image.conf <<'END_OF_IMAGE_CONF'
${@es_iot_image_conf(d)}
END_OF_IMAGE_CONF

    etc=${D}${sysconfdir}/es-iot
    [ -z "${ES_IOT_OVERLAY}" ] || install -m 0640 -g es-iot "${ES_IOT_OVERLAY}" $etc/overlay.json
    [ -z "${ES_IOT_WPA_SUPPLICANT_CONF}" ] || install -m 0600 "${ES_IOT_WPA_SUPPLICANT_CONF}" $etc/wpa_supplicant.conf
    [ -z "${ES_IOT_AUTHORIZED_KEYS}" ] || install -m 0600 "${ES_IOT_AUTHORIZED_KEYS}" $etc/authorized_keys
}

CONFFILES:${PN}-card += "${sysconfdir}/es-iot/image.conf"
