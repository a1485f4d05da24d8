# Sourced by receivers.t: the real sendmail, unpacked, as the exchanger of sm.test.  It takes
# messages into its queue and leaves them there.

sendmail_fetch() {
    top=$ROOT
    . "$ROOT/tests/oracle/real.sh"
    sm_libs=$LD_LIBRARY_PATH
    unset LD_LIBRARY_PATH
}

sendmail_setup() {
    mkdir -p /var/lib/sm/queue
    chmod 700 /var/lib/sm/queue
    printf 'soft come\n' >/var/lib/sm/access
    cat >/var/lib/sm/sm.mc <<'C'
OSTYPE(`linux')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Addr=192.0.2.33, Name=MTA')dnl
FEATURE(`accept_unresolvable_domains')dnl
define(`confDELIVERY_MODE', `q')dnl
define(`confDOMAIN_NAME', `mx.sm.test')dnl
define(`confSERVER_CERT', `/var/lib/keys/cert.pem')dnl
define(`confSERVER_KEY', `/var/lib/keys/key.pem')dnl
define(`confCACERT', `/var/lib/keys/cert.pem')dnl
define(`confCACERT_PATH', `/var/lib/keys')dnl
define(`confTO_IDENT', `0')dnl
define(`QUEUE_DIR', `/var/lib/sm/queue')dnl
define(`confPID_FILE', `/var/lib/sm/pid')dnl
define(`STATUS_FILE', `/var/lib/sm/statistics')dnl
LOCAL_CONFIG
Cwsm.test
Kcome text -k0 -v1 /var/lib/sm/access
LOCAL_RULESETS
SLocal_check_rcpt
R$*			$: $>canonify $1
Rsoft < @ $* >		$: $(come soft $: ok $)
Rcome			$#error $@ 4.7.1 $: "451 Come again"
MAILER(`local')dnl
MAILER(`smtp')dnl
C
    m4 -D_NO_MAKEINFO_ -D_CF_DIR_="$share" "$share/m4/cf.m4" /var/lib/sm/sm.mc 2>"$T/m4.log" |
        grep -v '^O \(AliasFile\|TrustedUser\|RunAs\|Control\)' >/var/lib/sm/sm.cf
}

sendmail_start() {
    LD_LIBRARY_PATH=$sm_libs start_daemon sm "$real" -C /var/lib/sm/sm.cf -bD
}

sendmail_open() {
    printf 'nobody come\n' >/var/lib/sm/access
}
