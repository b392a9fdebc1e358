################################################################################
#
# es-iot-server
#
################################################################################

ES_IOT_SERVER_VERSION = 0.2.0
# The repository that contains this tree.
ES_IOT_SERVER_SITE = $(realpath $(BR2_EXTERNAL_ES_IOT_PATH)/..)
ES_IOT_SERVER_SITE_METHOD = local
# The crates that are linked into the programs are MIT, but for the one named.
ES_IOT_SERVER_LICENSE = MIT, BSD-3-Clause (subtle)
ES_IOT_SERVER_LICENSE_FILES = LICENSE docs/THIRD-PARTY-LICENSES.txt

# Everything that is not source, and this build's own directories if they are
# inside the repository: rsync would copy them into themselves.
ES_IOT_SERVER_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude=/target \
	--exclude=/fuzz/target \
	--exclude=/.ci \
	--exclude=/output \
	--exclude=/buildroot \
	$(patsubst $(ES_IOT_SERVER_SITE)/%,--exclude=/%, \
		$(filter $(ES_IOT_SERVER_SITE)/%,$(BASE_DIR) $(DL_DIR) $(TOPDIR)))

# Optimize for size. These override Buildroot's general settings.
ES_IOT_SERVER_CARGO_ENV = \
	CARGO_PROFILE_RELEASE_OPT_LEVEL="s" \
	CARGO_PROFILE_RELEASE_LTO="true" \
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS="1"

ES_IOT_SERVER_BINS = es-iot-server \
	$(if $(BR2_PACKAGE_ES_IOT_SERVER_CTL),es-iot-ctl)
ES_IOT_SERVER_CARGO_BUILD_OPTS = $(addprefix --bin ,$(ES_IOT_SERVER_BINS))
ES_IOT_SERVER_BUILT_DIR = \
	$(@D)/target/$(RUSTC_TARGET_NAME)/$(if $(BR2_ENABLE_DEBUG),debug,release)

# Buildroot vendors the crates of downloaded packages only, and a local tree is
# not downloaded. A tree that includes VENDOR builds without a network. The
# tree's own .cargo/config.toml only configures its tests, and is replaced.
#
# cargo metadata is content only if VENDOR has exactly what Cargo.lock names;
# otherwise the lock file has changed since, and the crates are fetched again.
ES_IOT_SERVER_CARGO = cd $(@D) && \
	$(TARGET_MAKE_ENV) $(PKG_COMMON_CARGO_ENV) cargo
define ES_IOT_SERVER_VENDOR_CRATES
	mkdir -p $(@D)/.cargo
	printf '[source.%s]\n%s = "%s"\n' \
		crates-io replace-with vendored-sources \
		vendored-sources directory VENDOR \
		>$(@D)/.cargo/config.toml
	@if ! test -d $(@D)/VENDOR; then \
		$(call MESSAGE,"Vendoring the crates"); \
	elif $(ES_IOT_SERVER_CARGO) metadata --format-version 1 \
			--locked --offline >/dev/null 2>&1; then \
		exit 0; \
	else \
		$(call MESSAGE,"VENDOR does not fit Cargo.lock: vendoring anew"); \
		rm -rf $(@D)/VENDOR; \
	fi; \
	$(ES_IOT_SERVER_CARGO) vendor --locked VENDOR >/dev/null
endef
ES_IOT_SERVER_PRE_BUILD_HOOKS += ES_IOT_SERVER_VENDOR_CRATES

ES_IOT_SERVER_CAMERA_SOURCE = \
	$(call qstrip,$(BR2_PACKAGE_ES_IOT_SERVER_CAMERA_SOURCE))

ES_IOT_SERVER_JSON = $(TARGET_DIR)/etc/es-iot/server.json

# Verify each change: if a pattern no longer matches, the build fails instead of
# producing an image with the wrong setting.
define ES_IOT_SERVER_SET_CAMERA_SOURCE
	$(SED) 's/"source": "auto"/"source": "$(ES_IOT_SERVER_CAMERA_SOURCE)"/' \
		$(ES_IOT_SERVER_JSON)
	grep -q '"source": "$(ES_IOT_SERVER_CAMERA_SOURCE)"' $(ES_IOT_SERVER_JSON)
endef

# Read from .config, because make truncates the variable at a hash sign, expands
# a dollar sign and, in qstrip, collapses spaces. Only printable ASCII without
# quotes, backslash, dollar and hash sign is allowed.
ES_IOT_SERVER_PASSWORD_TYPED = \
	sed -n 's/^BR2_PACKAGE_ES_IOT_SERVER_PASSWORD="\(.*\)"$$/\1/p' $(BR2_CONFIG)
ES_IOT_SERVER_PASSWORD_REFUSED = $(shell $(ES_IOT_SERVER_PASSWORD_TYPED) | \
	LC_ALL=C tr -d '\040\041\045\046\050-\133\135-\176\n' | wc -c)

ifeq ($(BR2_PACKAGE_ES_IOT_SERVER),y)
ifneq ($(strip $(ES_IOT_SERVER_PASSWORD_REFUSED)),0)
$(error BR2_PACKAGE_ES_IOT_SERVER_PASSWORD must be printable ASCII without \
	quotes, backslash, dollar and hash sign)
endif
endif

ifneq ($(subst ",,$(BR2_PACKAGE_ES_IOT_SERVER_PASSWORD)),)
#" A quote, for editors that highlight syntax.
define ES_IOT_SERVER_SET_PASSWORD
	$(ES_IOT_SERVER_PASSWORD_TYPED) >$(TARGET_DIR)/etc/es-iot/password
	$(SED) 's,"password_file": null,"password_file": "/etc/es-iot/password",' \
		$(ES_IOT_SERVER_JSON)
	grep -q '"password_file": "/etc/es-iot/password"' $(ES_IOT_SERVER_JSON)
endef
define ES_IOT_SERVER_PASSWORD_PERMISSIONS
	/etc/es-iot/password f 640 0 95 - - - - -
endef
else
# An image rebuilt without the option must not keep the old password.
define ES_IOT_SERVER_SET_PASSWORD
	rm -f $(TARGET_DIR)/etc/es-iot/password
endef
endif

# Not `cargo install --bins`, which builds and installs every program.
define ES_IOT_SERVER_INSTALL_TARGET_CMDS
	$(foreach bin,$(ES_IOT_SERVER_BINS), \
		$(INSTALL) -D -m 0755 $(ES_IOT_SERVER_BUILT_DIR)/$(bin) \
			$(TARGET_DIR)/usr/bin/$(bin)$(sep))
	$(INSTALL) -D -m 0644 $(@D)/config/server.json $(ES_IOT_SERVER_JSON)
	$(ES_IOT_SERVER_SET_CAMERA_SOURCE)
	$(ES_IOT_SERVER_SET_PASSWORD)
	$(INSTALL) -D -m 0640 $(@D)/config/es-iot-server.default \
		$(TARGET_DIR)/etc/default/es-iot-server
	$(INSTALL) -D -m 0755 $(@D)/config/es-iot-show-password \
		$(TARGET_DIR)/usr/libexec/es-iot-show-password
	$(INSTALL) -D -m 0644 $(@D)/config/es-iot-server.avahi \
		$(TARGET_DIR)/etc/avahi/services/es-iot-server.service
	mkdir -p $(TARGET_DIR)/var/lib/es-iot
endef

define ES_IOT_SERVER_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/config/es-iot-server.init \
		$(TARGET_DIR)/etc/init.d/S60es-iot-server
endef

define ES_IOT_SERVER_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/config/es-iot-server.service \
		$(TARGET_DIR)/usr/lib/systemd/system/es-iot-server.service
	$(INSTALL) -D -m 0644 $(@D)/config/es-iot-show-password.service \
		$(TARGET_DIR)/usr/lib/systemd/system/es-iot-show-password.service
endef

# Fixed numbers, because the files on the data partition outlive the image that
# created them. Buildroot allocates others from 100 on.
define ES_IOT_SERVER_USERS
	es-iot 95 es-iot 95 * - - video es-iot-server
endef

define ES_IOT_SERVER_PERMISSIONS
	/etc/default/es-iot-server f 640 0 0 - - - - -
	/var/lib/es-iot d 750 95 95 - - - - -
	$(ES_IOT_SERVER_PASSWORD_PERMISSIONS)
endef

$(eval $(cargo-package))
