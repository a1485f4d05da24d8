#!/bin/sh
# git send-email, over SMTP and through the sendmail command.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need git
[ -x "$(git --exec-path)/git-send-email" ] || skip_all "no git send-email on this machine"
perl -MMail::Address -e 1 2>/dev/null || skip_all "no Mail::Address for git send-email here"
server_setup mbox
server_smtp || fail "the server starts"

export HOME=$T/home GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME="J. D\303\266e" GIT_AUTHOR_EMAIL=j@elsewhere.test
GIT_AUTHOR_NAME=$(printf 'J. D\303\266e')
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
git init -q "$T/repo" && cd "$T/repo" || exit 2
for n in 1 2; do
    printf '.\nFrom %s\n' "$n" >>file
    git add file
    git commit -q -m "$(printf 'change %s: \303\244' "$n")"
done
git format-patch -q --root -o "$T/patches"

ok "over SMTP" git send-email --quiet --confirm=never --suppress-cc=all --smtp-server 127.0.0.1 \
    --smtp-server-port "$SMTP" --to u1@example.test --8bit-encoding=UTF-8 "$T/patches"
ok "two patches" wait_for 10 has_mail u1 2
ok "through sendmail" git send-email --quiet --confirm=never --suppress-cc=all \
    --sendmail-cmd "$T/bin/sendmail -i" --to u2@example.test --8bit-encoding=UTF-8 "$T/patches"
ok "two patches" wait_for 10 has_mail u2 2
for user in u1 u2; do
    git init -q "$T/$user.repo" && cd "$T/$user.repo" || exit 2
    # What two commands hand in one after the other may come in any order, as with every MTA.
    git mailsplit -o"$T" "$(mailbox $user)" >"$T/out"
    # shellcheck disable=SC2046
    ok "$user: git am takes the mailbox" git am --quiet $(grep -lF '[PATCH 1/2]' "$T"/000?) \
        $(grep -lF '[PATCH 2/2]' "$T"/000?)
    is "$(git cat-file -p HEAD:file)" "$(git -C "$T/repo" cat-file -p HEAD:file)" "and has the file"
done
cd "$T" && ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
