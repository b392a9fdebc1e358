SUMMARY = "Camera daemon for Raspberry Pi firmware images"
SUMMARY:es-iot-mdev = "Access to the camera nodes for es-iot-server with BusyBox mdev"
SUMMARY:es-iot-ctl = "Command-line client of es-iot-server"
DESCRIPTION = "A 24 Hz data stream, camera settings and authentication over TCP, and a \
supervised camera whose H.264 video it serves by RTSP, and in browsers on a page. Includes \
es-iot-ctl, the client."
SECTION = "net"
# BSD-3-Clause: the crate subtle. The other crates that are linked into the programs are MIT.
LICENSE = "MIT & BSD-3-Clause"

require ${BPN}-crates.inc
require es-iot-source.inc

# The notices of the crates, which also go into the image.
LIC_FILES_CHKSUM += "file://docs/THIRD-PARTY-LICENSES.txt;md5=12acac306fef63818be74ab1f2173848"

inherit cargo cargo-update-recipe-crates systemd update-rc.d useradd

# What build.rs reads is below src.
ES_IOT_INPUTS = "Cargo.lock Cargo.toml LICENSE build.rs config docs/THIRD-PARTY-LICENSES.txt src"

# The task uses every Cargo.lock it finds; exclude the one in fuzz/, which is not part of the image.
CARGO_LOCK_SRC_DIR = "${WORKDIR}/cargo-lock"
es_iot_one_cargo_lock() {
    install -D -m 0644 ${S}/Cargo.lock ${CARGO_LOCK_SRC_DIR}/Cargo.lock
}
do_update_crates[prefuncs] += "es_iot_one_cargo_lock"

# Packaging strips on its own, and keeps the symbols for the debug package.
export CARGO_PROFILE_RELEASE_STRIP = "none"

# No path of the build machine in the programs. The class maps the work directory; its option comes later and goes first.
RUSTFLAGS:prepend = "--remap-path-prefix=${S}=${TARGET_DBGSRC_DIR} "
RUSTFLAGS[vardepsexclude] += "S"

# The password, shared by all devices with this image. If empty, each device generates its own at its first start and shows
# it once on the console. Single quotes and backslashes are not allowed.
ES_IOT_PASSWORD ?= ""
# camera.source in server.json: auto, rpicam, test or none.
ES_IOT_CAMERA_SOURCE ?= "auto"

# nooelint: oelint.task.noanonpython - invalid values skip the recipe with a message
python () {
    password = d.getVar('ES_IOT_PASSWORD')
    if len(password) > 256 or any(not ' ' <= c <= '~' or c in "'\\" for c in password):
        raise bb.parse.SkipRecipe('ES_IOT_PASSWORD must be at most 256 printable ASCII characters without single quotes and '
            'backslashes')
    source, allowed = d.getVar('ES_IOT_CAMERA_SOURCE'), ['auto', 'rpicam', 'test', 'none']
    if source not in allowed:
        raise bb.parse.SkipRecipe('ES_IOT_CAMERA_SOURCE is "%s"; allowed: %s' % (source, ', '.join(allowed)))
}

# To publish the video to another RTSP server (camera.rtsp_url). Viewers don't need it: the daemon serves the video.
PACKAGECONFIG ?= ""
PACKAGECONFIG[ffmpeg] = ",,,ffmpeg"

PACKAGE_BEFORE_PN = "es-iot-ctl es-iot-mdev"
FILES:es-iot-ctl += "${bindir}/es-iot-ctl"
FILES:es-iot-mdev += "${datadir}/es-iot/mdev-camera.conf"
FILES:${PN} += "${datadir}/es-iot"

RDEPENDS:es-iot-mdev = "busybox-mdev"
# With mdev, group video gets the camera nodes by lines in /etc/mdev.conf. With udev, by the machine's own rules.
RRECOMMENDS:${PN} += "${@'es-iot-mdev' if d.getVar('VIRTUAL-RUNTIME_dev_manager') == 'busybox-mdev' else ''}"
pkg_postinst:es-iot-mdev() {
    conf=$D${sysconfdir}/mdev.conf
    if [ -f $conf ] && ! grep -q '^video\[0-9\]' $conf; then
        cat $D${datadir}/es-iot/mdev-camera.conf $conf > $conf.es-iot
        chmod 0644 $conf.es-iot
        mv $conf.es-iot $conf
    fi
}

SYSTEMD_SERVICE:${PN} = "es-iot-server.service es-iot-show-password.service"
INITSCRIPT_NAME = "es-iot-server"
INITSCRIPT_PARAMS = "defaults 60 40"

# Fixed numbers: the files on the data partition outlive the image that created them. Below 101, where the allocation of
# other packages' accounts begins.
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system --gid 95 es-iot"
USERADD_PARAM:${PN} = "--system --uid 95 --gid es-iot --groups video --no-create-home \
    --home-dir ${localstatedir}/lib/es-iot --shell ${base_sbindir}/nologin es-iot"

do_install:append() {
    install -d ${D}${sysconfdir}/es-iot ${D}${sysconfdir}/default ${D}${INIT_D_DIR}
    install -d ${D}${systemd_system_unitdir} ${D}${libexecdir} ${D}${datadir}/es-iot
    install -d ${D}${sysconfdir}/avahi/services

    install -m 0644 ${S}/config/server.json ${D}${sysconfdir}/es-iot/
    install -m 0640 ${S}/config/es-iot-server.default ${D}${sysconfdir}/default/es-iot-server
    install -m 0755 ${S}/config/es-iot-server.init ${D}${INIT_D_DIR}/es-iot-server
    install -m 0644 ${S}/config/es-iot-server.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/config/es-iot-show-password.service ${D}${systemd_system_unitdir}/
    install -m 0755 ${S}/config/es-iot-show-password ${D}${libexecdir}/
    install -m 0644 ${S}/config/mdev-camera.conf ${D}${datadir}/es-iot/
    install -m 0644 ${S}/LICENSE ${S}/docs/THIRD-PARTY-LICENSES.txt ${D}${datadir}/es-iot/
    install -m 0644 ${S}/config/es-iot-server.avahi ${D}${sysconfdir}/avahi/services/es-iot-server.service
    install -d -m 0750 -o es-iot -g es-iot ${D}${localstatedir}/lib/es-iot

    # Verify each change: if a pattern no longer matches, the build fails instead of producing an image with the wrong
    # setting.
    json=${D}${sysconfdir}/es-iot/server.json
    sed -i 's/"source": "auto"/"source": "${ES_IOT_CAMERA_SOURCE}"/' $json
    grep -q '"source": "${ES_IOT_CAMERA_SOURCE}"' $json || bbfatal "cannot set camera.source in server.json"
    if [ -n '${ES_IOT_PASSWORD}' ]; then
        printf '%s\n' '${ES_IOT_PASSWORD}' > ${D}${sysconfdir}/es-iot/password
        chown root:es-iot ${D}${sysconfdir}/es-iot/password
        chmod 0640 ${D}${sysconfdir}/es-iot/password
        sed -i 's,"password_file": null,"password_file": "${sysconfdir}/es-iot/password",' $json
        grep -q '"password_file": "${sysconfdir}/es-iot/password"' $json || \
            bbfatal "cannot set auth.password_file in server.json"
    fi
}

CONFFILES:${PN} = "\
    ${sysconfdir}/avahi/services/es-iot-server.service \
    ${sysconfdir}/default/es-iot-server \
    ${sysconfdir}/es-iot/server.json \
"
