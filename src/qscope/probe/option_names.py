"""Which options QEMU has had, from 2.5 on: what a probe asks for.

Facts about names, from all releases' qemu-options.hx. What a binary has is measured: these only say
what to measure, and how with few runs.
"""

# Those that take an argument.
_WITH_ARGUMENT = """
    D L M accel acpitable action add-fd append audio audiodev bios blockdev boot cdrom
    chardev chroot compat cpu d debugcon device dfilter display drive dtb dump-vmstate echr
    fda fdb fsdev fw_cfg g gdb global hda hdb hdc hdd icount incoming initrd iscsi k kernel
    loadvm m machine mem-path mon monitor msg mtdblock name net netdev nic numa object
    option-rom overcommit parallel pflash pidfile plugin prom-env qmp qmp-pretty qtest
    qtest-log readconfig realtime rotate rtc run-with runas sandbox sd seed
    semihosting-config serial set shim smbios smp soundhw spice tb-size tpmdev trace
    usbdevice uuid vga virtfs vnc watchdog watchdog-action writeconfig xen-domid
"""
WITH_ARGUMENT = frozenset(_WITH_ARGUMENT.split())

# Those that take none, or are gone for so long that nobody knows any more.
_OTHERS = """
    S alt-grab async-teardown audio-help balloon bootp bt clock ctrl-grab curses daemonize
    enable-fips enable-hax enable-kvm enable-sync-profile full-screen h hdachs help jitdump
    localtime mem-prealloc no-acpi no-fd-bootchk no-frame no-hpet no-kvm no-kvm-irqchip
    no-kvm-pit no-kvm-pit-reinjection no-quit no-reboot no-shutdown no-user-config
    nodefaults nodefconfig nographic old-param only-migratable perfmap portrait preconfig
    redir rtc-td-hack s sdl semihosting show-cursor singlestep smb snapshot startdate tdf
    tftp usb version virtfs_synth virtioconsole win2k-hack xen-attach xen-create
    xen-domid-restrict
"""
OTHERS = frozenset(_OTHERS.split())

# Those whose argument is made of parameters: an unknown one can be tried on them.
_PARAMETRIC = """
    M accel acpitable action add-fd audio audiodev blockdev boot chardev compat device
    display drive fsdev fw_cfg global icount incoming iscsi m machine mon msg name net
    netdev nic numa object option-rom overcommit plugin realtime rtc run-with sandbox
    semihosting-config smbios smp spice tpmdev trace virtfs vnc
"""
PARAMETRIC = frozenset(_PARAMETRIC.split())
