"""Programs whose arguments make no difference: they only look, or they are never harmless."""

from __future__ import annotations

from ...words import words
from ..call import Call

_READ = words(
    """
    ls ll la l dir vdir cat tac head less more zcat zless zgrep zegrep zfgrep bzcat bzgrep xzcat xzgrep
    zstdcat zstdgrep bat nl grep egrep fgrep rg ag ack wc cut paste tr column fold fmt pr expand unexpand
    rev join comm diff colordiff sdiff cmp diff3 strings od xxd hexdump base64 base32 md5sum sha1sum
    sha224sum sha256sum sha384sum sha512sum b2sum cksum sum shasum md5 file stat tree du df free uptime w
    who whoami id groups users last lastb lastlog finger uname arch nproc lscpu lsmem lsblk lspci lsusb
    lshw lsmod lsns lsof lsipc ps pgrep pstree pidof top htop atop btop iotop iftop vmstat iostat mpstat
    sar pidstat dstat nmon slabtop numastat ss netstat whois getent locale cal ncal pwd echo printf true
    false test [ seq expr bc dc factor yes sleep wait jobs times basename dirname realpath readlink
    pathchk which whereis type whatis apropos man info help tput clear reset stty tty getconf logname
    hash compgen let shift return exit break continue : read mapfile readarray getopts jq yq xmllint xq
    csvcut csvlook csvstat miller mlr tsort shuf numfmt sync ldd nm objdump readelf size pmap lslocks
    lslogins pldd aureport ausearch pg_lsclusters pg_isready pg_config pg_controldata pg_waldump journal
    zipinfo lsattr getfacl getcap namei uuidgen mcookie dpkg-query apt-cache rpmquery lsb_release sw_vers
    runlevel ntpq chronyc-tracking findmnt mountpoint blkid locate plocate mlocate vgs lvs pvs vgdisplay
    lvdisplay pvdisplay pygmentize tokei cloc figlet neofetch screenfetch fastfetch lolcat sensors acpi
    upower nvidia-smi rpcinfo showmount nfsstat mountstats smbstatus lpstat lpq iwlist ipcs lsinitramfs
    tig stern popd pushd dirs ts pv ccze lnav goaccess multitail atq jps jstack jstat systemd-analyze
    systemd-cgls systemd-cgtop systemd-detect-virt xdpyinfo vcgencmd unalias suspend caller disown fg bg
    logout
"""
)
_SESSION = words("cd export local readonly declare typeset umask ulimit shopt setopt unsetopt")
_CREATE = words("mkdir touch mkfifo mktemp logger wall write tempfile")
_CONTROL = words("renice")
_DESTRUCTIVE = words(
    """
    mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs mke2fs
    mkswap wipefs shred srm wipe fdformat sfdisk cfdisk sgdisk gdisk cgdisk blkdiscard lvremove vgremove
    pvremove lvreduce vgreduce lvresize lvconvert vgcfgrestore pvmove mkntfs mkdosfs mkudffs badblocks
    hdparm nvme debugfs tune2fs resize2fs e2fsck fsck xfs_repair xfs_growfs btrfs mdadm dmsetup cryptsetup
    losetup reboot halt poweroff shutdown init telinit swapoff swapon umount pivot_root fstrim kexec sysrq
    dropdb dropuser killall5 xkill
"""
)
_PRIVILEGE = words(
    """
    useradd usermod userdel groupadd groupmod groupdel adduser deluser addgroup delgroup chpasswd gpasswd
    newusers pwconv pwunconv grpconv grpunconv chsh chfn visudo vipw vigr sudoedit setcap chattr setfacl
    newgrp sg pkexec createuser chcon semanage setsebool setenforce restorecon aa-disable aa-complain
    aa-enforce authconfig pam-auth-update faillock ssh-copy-id update-ca-certificates realm kadmin
    kadmin.local
"""
)
_NETWORK = words(
    """
    ftp tftp lftp ncftp sftp rcp rlogin rsh mail mailx sendmail mutt s-nail msmtp swaks nmap masscan zmap
    hping3 arpspoof ettercap bettercap socat chisel ngrok cloudflared frpc frps proxytunnel stunnel sshuttle
    autossh iodine dnscat dnscat2 openvpn wg wg-quick tailscale zerotier-cli websocat httrack
    aria2c axel croc magic-wormhole wormhole transfer termbin tmate teleconsole rclone mosh
"""
)
_UNREAD_CODE = words(
    """
    vim vi nvim nano pico emacs ed ex joe mcedit mc byobu gdb lldb dlv cmake
    ant bazel invoke fab ansible-console puppet
    chef-client salt salt-call expect at batch gcc g++ cc clang rustc tclsh wish osascript pwsh
    powershell rlwrap parallel gnu-parallel pssh pdsh clush dsh jshell groovy scala kotlin erl iex elixir
    ghci julia octave gnuplot R Rscript m4 nix-shell nix guix direnv pulumi vagrant packer
    sysdig bpftrace stap trace-cmd dtrace fzf bpftool rundeck facter dtach abduco zellij
"""
)
_INSTALLING = words(
    """
    apt-key add-apt-repository insmod modprobe rmmod depmod kmod dkms update-alternatives update-initramfs
    update-grub grub-install grub-mkconfig dracut ldconfig alternatives
"""
)
_AUDIT = words("logrotate augenrules audispd")
TABLE: dict[str, str] = {
    **dict.fromkeys(_READ, "read"),
    **dict.fromkeys(_SESSION, "set"),
    **dict.fromkeys(_CREATE, "create"),
    **dict.fromkeys(_CONTROL, "control server_control"),
    **dict.fromkeys(_DESTRUCTIVE, "delete destructive"),
    **dict.fromkeys(_PRIVILEGE, "update privilege_change"),
    **dict.fromkeys(_NETWORK, "run network"),
    **dict.fromkeys(_UNREAD_CODE, "unknown unknown_code"),
    **dict.fromkeys(_INSTALLING, "update untrusted_code"),
    **dict.fromkeys(_AUDIT, "update audit_change"),
    "tcpdump": "read bulk_read",
    "tshark": "read bulk_read",
    "ngrep": "read bulk_read",
    "dsniff": "read bulk_read",
    "gcore": "read credential_read",
    "unshadow": "read credential_read",
    "john": "run credential_read",
    "hashcat": "run credential_read",
    "mimipenguin": "run credential_read",
    "ssh-add": "set credential_read",
    "ssh-agent": "set",
    "pass": "read credential_read",
    "secret-tool": "read credential_read",
    "security": "read credential_read",
    "keyctl": "read credential_read",
    "op": "read credential_read",
    "sops": "read credential_read",
    "age": "read credential_read",
    "kinit": "set privilege_change",
    "klist": "read",
    "kdestroy": "set",
    "whoami": "read",
    "arping": "read",
    "nethogs": "read",
}
CREDENTIALS_UNREAD = words(
    """
    ls ll la stat test [ file du df wc touch mkdir rm find tree chmod chown chgrp echo printf git which
    dirname basename realpath readlink ssh scp sha256sum sha1sum md5sum shred ssh-keygen kubectl k docker
    helm nginx systemctl journalctl ps lsattr getfacl namei cmp truncate lsof cd pushd
"""
)
"""Programs that name such a file without showing it."""

_ASKED_BY_V = words("node nodejs php ruby perl nginx httpd haproxy lua")
_HELP = frozenset({"--help", "--version", "-version", "-V", "version", "-h", "-help", "--usage"})
_STARTS_OTHERS = words("git docker kubectl k ssh sudo env xargs find watch time timeout nohup python perl")


def only_asks_for_help(call: Call) -> bool:
    """Whether the one argument asks a program about itself, and the program takes it so."""
    if len(call.args) != 1 or not (
        call.first() in _HELP or (call.first() == "-v" and call.name in _ASKED_BY_V)
    ):
        return False
    if call.first() == "-h" and call.name in (
        "shutdown",
        "halt",
        "chown",
        "chgrp",
        "chmod",
        "ls",
        "df",
        "du",
        "sort",
    ):
        return False
    if call.name in ("sh", "bash", "dash", "zsh", "ksh") and call.first() not in ("--help", "--version"):
        return False
    call.note("read")
    return True
