#!/bin/sh
# make where tools are missing: an ordinary user is told the one command that gets them, root
# has them installed.
. "${0%/*}/../lib/tap.sh"
[ "$BUILD" = release ] || skip_all "there is one build of what ships"
need make

# A machine with what make and its recipes use, and neither musl nor the packers.
mkdir "$T/tools"
for tool in sh make mkdir cmp echo cat sed awk grep dirname id uname ls touch env gcc cc true tail; do
    path=$(command -v $tool) && ln -s "$(readlink -f "$path")" "$T/tools/$tool"
done
rm "$T/tools/sh" && ln -s /bin/sh "$T/tools/sh"
mkdir "$T/tree"
(cd "$ROOT" && tar -cf - --exclude=./build/out --exclude=./.git .) | tar -xf - -C "$T/tree"

apt() { # an apt-get that notes what it is asked for
    cat >"$T/tools/apt-get" <<END
#!/bin/sh
echo "apt-get \$*" >>$T/asked
END
    chmod 755 "$T/tools/apt-get"
}

someone() { # COMMAND...: not root
    if [ "$(id -u)" = 0 ]; then
        as_user 54321 "$@"
    else
        "$@"
    fi
}

chmod 755 "$T"
[ "$(id -u)" != 0 ] || chown -R 54321 "$T/tree"
# No tool is in the system's own directory for them, which setup.sh looks at as well.
for tool in musl-gcc zstd; do
    [ ! -x /usr/sbin/$tool ] || skip_all "$tool is in /usr/sbin"
done

apt
: >"$T/asked"
chmod 666 "$T/asked"
exits 2 "an ordinary user's make fails" someone env PATH="$T/tools" make -C "$T/tree" CC=musl-gcc
is "$(grep '^letterbox:' "$T/err")" \
    "letterbox: missing packages; run as root: apt-get install musl-tools zstd xz-utils" \
    "and says exactly which command to run"
is "$(cat "$T/asked")" "" "it does not try to install anything"
exits 2 "also with VARIANT=fuzz" someone env PATH="$T/tools" make -C "$T/tree" VARIANT=fuzz
is "$(grep '^letterbox:' "$T/err")" \
    "letterbox: missing packages; run as root: apt-get install clang libclang-rt-14-dev zstd xz-utils" \
    "where the compiler is another"
rm "$T/tools/apt-get"
exits 2 "without apt-get it fails, too" someone env PATH="$T/tools" make -C "$T/tree" CC=musl-gcc
is "$(grep '^letterbox:' "$T/err")" \
    "letterbox: missing: musl-tools zstd (a musl system's own compiler serves with CC=cc)" \
    "and says what is missing"

if [ "$(id -u)" = 0 ]; then
    apt
    ok "root's make has it installed" env PATH="$T/tools" sh "$T/tree/build/setup.sh" build musl-gcc
    like "$(cat "$T/asked")" 'apt-get install .* musl-tools zstd xz-utils$' "by apt-get"
else
    skip 2 "needs root: packages are installed"
fi
