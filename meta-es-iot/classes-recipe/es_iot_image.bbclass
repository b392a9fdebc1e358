# What es-iot-base needs in an image: files of other packages that the image changes. Inherit it after core-image, in images that
# install packagegroup-es-iot.

ROOTFS_POSTPROCESS_COMMAND += "es_iot_network es_iot_syslog es_iot_ssh"

# es-iot-network starts the DHCP clients, so ifupdown only gets the loopback interface. wpa-supplicant's own configuration
# joins any open network.
es_iot_network() {
    etc=${IMAGE_ROOTFS}${sysconfdir}
    if [ -f $etc/network/interfaces ]; then
        printf 'auto lo\niface lo inet loopback\n' > $etc/network/interfaces
    fi
    rm -f $etc/wpa_supplicant.conf
    if [ -f $etc/es-iot/wpa_supplicant.conf ]; then
        ln -s es-iot/wpa_supplicant.conf $etc/wpa_supplicant.conf
    fi
}

# The init script of BusyBox's syslogd reads its settings from this file. systemd's unit has a drop-in.
es_iot_syslog() {
    conf=${IMAGE_ROOTFS}${sysconfdir}/syslog-startup.conf
    if [ -f $conf ]; then
        cat >> $conf <<'END_OF_CONF'

# The server that es-iot-card found, and a limit for the log in memory.
ROTATESIZE=512
ROTATEGENS=1
if [ -r /run/es-iot-card/syslogd ]; then
    . /run/es-iot-card/syslogd
    DESTINATION="$DESTINATION remote"
    REMOTE="$SYSLOG_SERVER"
fi
END_OF_CONF
    fi
}

# With dropbear (IMAGE_FEATURES ssh-server-dropbear): root by key, no one by password. The keys are those of the build or those on
# the card. The host key is on the data partition.
es_iot_ssh() {
    default=${IMAGE_ROOTFS}${sysconfdir}/default/dropbear
    if [ -f $default ]; then
        sed -i -e '/^# Disallow root/d' -e 's/^DROPBEAR_EXTRA_ARGS=.*/DROPBEAR_EXTRA_ARGS="-s"/' $default
        grep -q '^DROPBEAR_EXTRA_ARGS="-s"$' $default || bbfatal "cannot turn off ssh logins by password"

        keys=/run/es-iot-card/authorized_keys
        [ ! -f ${IMAGE_ROOTFS}${sysconfdir}/es-iot/authorized_keys ] || keys=${sysconfdir}/es-iot/authorized_keys
        install -d -m 0700 ${IMAGE_ROOTFS}${ROOT_HOME}/.ssh
        ln -sf $keys ${IMAGE_ROOTFS}${ROOT_HOME}/.ssh/authorized_keys
    fi
}
