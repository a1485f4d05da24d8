# Sourced by receivers.t: postfix, unpacked, as the exchanger of pf.test.  postfix_setup writes its
# files below /var/lib (the namespace's own), postfix_start starts it.

postfix_setup() {
    need_postfix
    pf_libs=$tap_aside/usr/lib/postfix
    LD_LIBRARY_PATH=$pf_libs ldd "$pf_libs/sbin/smtpd" | grep -q 'not found' &&
        skip_all "libraries of postfix are missing"
    mkdir -p /var/lib/postfix/data /var/lib/postfix/mail /var/lib/postfix/queue
    for pf_dir in active bounce corrupt defer deferred flush hold incoming private saved trace; do
        mkdir -p "/var/lib/postfix/queue/$pf_dir"
    done
    mkdir -p /var/lib/postfix/queue/pid /var/lib/postfix/queue/public /var/lib/postfix/queue/maildrop
    chown -R 20901:20901 /var/lib/postfix/data /var/lib/postfix/queue
    chown 0:0 /var/lib/postfix/queue /var/lib/postfix/queue/pid
    chown 20901:20902 /var/lib/postfix/queue/maildrop /var/lib/postfix/queue/public
    chmod 730 /var/lib/postfix/queue/maildrop
    chmod 710 /var/lib/postfix/queue/public
    chown 20909:20909 /var/lib/postfix/mail
    printf '%s@pf.test all/\n' a b soft >/var/lib/postfix/users
    printf 'a@all.test all/\n' >>/var/lib/postfix/users
    printf 'soft@pf.test 451 4.7.1 Come again\n' >/var/lib/postfix/access
    mkdir -p /var/lib/postfix/etc
    cat >/var/lib/postfix/etc/main.cf <<C
compatibility_level = 3.6
queue_directory = /var/lib/postfix/queue
data_directory = /var/lib/postfix/data
daemon_directory = $pf_libs/sbin
command_directory = $tap_aside/usr/sbin
shlib_directory = $pf_libs
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH=$pf_libs
mail_owner = postfix
setgid_group = postdrop
default_privs = receiver
inet_interfaces = 192.0.2.31
inet_protocols = ipv4
myhostname = mx.pf.test
mydestination =
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = pf.test all.test
virtual_mailbox_base = /var/lib/postfix/mail
virtual_mailbox_maps = texthash:/var/lib/postfix/users
virtual_uid_maps = static:20909
virtual_gid_maps = static:20909
smtpd_tls_cert_file = /var/lib/keys/cert.pem
smtpd_tls_key_file = /var/lib/keys/key.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:/var/lib/postfix/access
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
maillog_file = /var/lib/postfix/log
C
    # A process for each connection, which reads the tables anew.
    cat >/var/lib/postfix/etc/master.cf <<'C'
192.0.2.31:25 inet n - n - - smtpd -o max_use=1
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
C
}

postfix_start() {
    MAIL_CONFIG=/var/lib/postfix/etc LD_LIBRARY_PATH=$pf_libs start_daemon pf \
        "$pf_libs/sbin/master" -c /var/lib/postfix/etc -d
}

postfix_open() {
    : >/var/lib/postfix/access
}
