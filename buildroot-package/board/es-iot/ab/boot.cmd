# U-Boot script of the A/B images. Boots the root file system of one of two slots: partition 2 is slot a, partition 3 slot b. Each
# holds its own kernel in /boot. Two files on partition 1 decide:
#
#   slot   "slot=a" or "slot=b": the slot in use; a if there is neither this file nor slot.new, its next version
#   try    boot the other slot, once: it holds an update. The file is removed before that boot, so an update that hangs or panics
#          gets no second boot unless es-iot-update has confirmed it
setenv slot a
if load ${devtype} ${devnum}:1 ${ramdisk_addr_r} /slot || load ${devtype} ${devnum}:1 ${ramdisk_addr_r} /slot.new; then
	env import -t ${ramdisk_addr_r} ${filesize} slot
fi
setenv other b
if test "${slot}" = b; then setenv other a; fi
setenv trial no
if test -e ${devtype} ${devnum}:1 /try && fatrm ${devtype} ${devnum}:1 /try; then
	setenv trial yes
	setenv order "${other} ${slot}"
else
	setenv order "${slot} ${other}"
fi

# The firmware of a Pi puts cmdline.txt and its own arguments into the device tree.
setenv arguments "console=ttyAMA0 panic=10"
fdt addr ${fdt_addr}
fdt get value arguments /chosen bootargs

# The second slot is the way out if the first has no kernel. A loop variable must not have the name of an environment variable.
for candidate in ${order}; do
	setenv partition 2
	if test "${candidate}" = b; then setenv partition 3; fi
	if load ${devtype} ${devnum}:${partition} ${kernel_addr_r} /boot/Image; then
		setenv initrd -
		if load ${devtype} ${devnum}:${partition} ${ramdisk_addr_r} /boot/initrd; then
			setenv initrd ${ramdisk_addr_r}:${filesize}
		fi
		part uuid ${devtype} ${devnum}:${partition} uuid
		setenv bootargs "${arguments} root=PARTUUID=${uuid} rootfstype=ext4 ro rootwait es_iot.slot=${candidate} es_iot.trial=${trial}"
		booti ${kernel_addr_r} ${initrd} ${fdt_addr}
	fi
	setenv trial no
done
reset
