################################################################################
#
# es-iot-base
#
################################################################################

ES_IOT_BASE_VERSION = 0.2.0
# The repository that contains this tree; only these of its files.
ES_IOT_BASE_SITE = $(realpath $(BR2_EXTERNAL_ES_IOT_PATH)/..)
ES_IOT_BASE_SITE_METHOD = local
ES_IOT_BASE_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--include=/LICENSE --include=/config --include=/config/base \
	'--include=/config/base/*' '--exclude=*'
ES_IOT_BASE_LICENSE = MIT
ES_IOT_BASE_LICENSE_FILES = LICENSE
# The archive of es-iot-server has these files, too.
ES_IOT_BASE_REDISTRIBUTE = NO

# Files of these two are replaced here: dropbear's link to its keys, and a
# wpa_supplicant.conf that joins every open network.
ES_IOT_BASE_DEPENDENCIES = \
	es-iot-server \
	$(if $(BR2_PACKAGE_DROPBEAR),dropbear) \
	$(if $(BR2_PACKAGE_WPA_SUPPLICANT),wpa_supplicant)

ES_IOT_BASE_FILES = $(@D)/config/base
ES_IOT_BASE_ETC = $(TARGET_DIR)/etc/es-iot

# The options' values as they were typed: make would expand a dollar sign, take
# a hash sign for a comment and collapse spaces. Kconfig escapes quotes and
# backslashes.
define ES_IOT_BASE_SET_IMAGE_CONF
	sed -n -E -e 's/\\(["\\])/\1/g' -e \
		's/^BR2_PACKAGE_ES_IOT_BASE_(HOSTNAME|NTP_SERVER|SYSLOG_SERVER|RTSP_URL)="(.+)"$$/\1=\2/p' \
		$(BR2_CONFIG) >>$(ES_IOT_BASE_ETC)/image.conf
endef

# $(1): the option with a path, $(2): mode, $(3): where the file goes. An image
# rebuilt without the option must not keep the old file.
define ES_IOT_BASE_SET_FILE
	$(if $(call qstrip,$($(1))), \
		$(INSTALL) -D -m $(2) $(call qstrip,$($(1))) $(TARGET_DIR)$(3), \
		rm -f $(TARGET_DIR)$(3))
endef

ifeq ($(BR2_PACKAGE_ES_IOT_BASE_SSH),y)
ES_IOT_BASE_AUTHORIZED_KEYS = \
	$(call qstrip,$(BR2_PACKAGE_ES_IOT_BASE_AUTHORIZED_KEYS))
# -s: no passwords. The host keys are on the data partition, to which
# es-iot-data copies the directories that the image has in /var/lib.
define ES_IOT_BASE_SET_SSH
	$(INSTALL) -d -m 0700 $(TARGET_DIR)/root/.ssh $(TARGET_DIR)/var/lib/dropbear
	ln -snf /var/lib/dropbear $(TARGET_DIR)/etc/dropbear
	mkdir -p $(TARGET_DIR)/etc/default
	echo 'DROPBEAR_ARGS="-s"' >$(TARGET_DIR)/etc/default/dropbear
	rm -f $(TARGET_DIR)/root/.ssh/authorized_keys
	$(if $(ES_IOT_BASE_AUTHORIZED_KEYS), \
		$(INSTALL) -m 0600 $(ES_IOT_BASE_AUTHORIZED_KEYS) \
			$(TARGET_DIR)/root/.ssh/authorized_keys, \
		ln -s /run/es-iot-card/authorized_keys \
			$(TARGET_DIR)/root/.ssh/authorized_keys)
endef
define ES_IOT_BASE_SSH_PERMISSIONS
	/root d 700 0 0 - - - - -
	/root/.ssh d 700 0 0 - - - - -
	/var/lib/dropbear d 700 0 0 - - - - -
endef
endif

define ES_IOT_BASE_INSTALL_TARGET_CMDS
	$(foreach script,es-iot-data es-iot-card, \
		$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/$(script) \
			$(TARGET_DIR)/usr/libexec/$(script)$(sep))
	$(INSTALL) -D -m 0600 $(ES_IOT_BASE_FILES)/image.conf \
		$(ES_IOT_BASE_ETC)/image.conf
	$(ES_IOT_BASE_SET_IMAGE_CONF)
	$(call ES_IOT_BASE_SET_FILE,BR2_PACKAGE_ES_IOT_BASE_OVERLAY,0640,/etc/es-iot/overlay.json)
	$(call ES_IOT_BASE_SET_FILE,BR2_PACKAGE_ES_IOT_BASE_WPA_SUPPLICANT_CONF,0600,/etc/wpa_supplicant.conf)
	$(ES_IOT_BASE_SET_SSH)
endef

# BusyBox init and sysvinit. The numbers are those of Buildroot's scripts: data
# and settings before everything that uses them, the network beside S40network,
# which brings up the loopback interface.
define ES_IOT_BASE_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/es-iot-data.init \
		$(TARGET_DIR)/etc/init.d/S15es-iot-data
	$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/es-iot-card.init \
		$(TARGET_DIR)/etc/init.d/S16es-iot-card
	$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/es-iot-network.init \
		$(TARGET_DIR)/etc/init.d/S40es-iot-network
	$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/es-iot-ntpd.init \
		$(TARGET_DIR)/etc/init.d/S45es-iot-ntpd
	$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/es-iot-network \
		$(TARGET_DIR)/usr/libexec/es-iot-network
	$(INSTALL) -D -m 0755 $(ES_IOT_BASE_FILES)/es-iot-udhcpc \
		$(TARGET_DIR)/usr/share/udhcpc/default.script.d/es-iot
endef

define ES_IOT_BASE_INSTALL_INIT_SYSTEMD
	$(foreach unit,es-iot-data es-iot-card es-iot-wifi, \
		$(INSTALL) -D -m 0644 $(ES_IOT_BASE_FILES)/$(unit).service \
			$(TARGET_DIR)/usr/lib/systemd/system/$(unit).service$(sep))
	$(INSTALL) -D -m 0644 $(ES_IOT_BASE_FILES)/80-es-iot-wlan.network \
		$(TARGET_DIR)/usr/lib/systemd/network/80-es-iot-wlan.network
endef

# The overlay may hold secrets; the daemon's group, 95, reads it.
ifneq ($(call qstrip,$(BR2_PACKAGE_ES_IOT_BASE_OVERLAY)),)
define ES_IOT_BASE_OVERLAY_PERMISSIONS
	/etc/es-iot/overlay.json f 640 0 95 - - - - -
endef
endif

define ES_IOT_BASE_PERMISSIONS
	/etc/es-iot/image.conf f 600 0 0 - - - - -
	$(ES_IOT_BASE_OVERLAY_PERMISSIONS)
	$(ES_IOT_BASE_SSH_PERMISSIONS)
endef

$(eval $(generic-package))
