# What the two packages use of Buildroot, to run one of their steps without it:
#
#   make -f buildroot.mk DIRECTORY/check PACKAGE=... STEP=... BUILD_DIR=DIRECTORY TARGET_DIR=... BR2_CONFIG=... \
#       BR2_EXTERNAL_ES_IOT_PATH=.../buildroot-package
#
# DIRECTORY is the package's build directory. $(BR2_CONFIG) is included, as in Buildroot.
include $(BR2_CONFIG)
qstrip = $(strip $(subst ",,$(1)))
INSTALL = install
SED = sed -i
MESSAGE = echo ">>> $(call qstrip,$(1))"
define sep


endef
include $(BR2_EXTERNAL_ES_IOT_PATH)/package/$(PACKAGE)/$(PACKAGE).mk
.PHONY: $(BUILD_DIR)/check
$(BUILD_DIR)/check:
	$($(STEP))
