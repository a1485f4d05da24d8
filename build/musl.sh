#!/bin/sh
# Some functions of musl, compiled for size from Debian's source package.
#
#   musl.sh DIR     makes DIR/libmusl.a with $FLAGS
#
# They are musl's own files and take the place of those in libc.a, which are the same ones
# compiled for speed; so the source has to be of the version that is installed.  Where it cannot
# be had the archive is empty and all comes from libc.a.
set -eu
. "$(dirname "$0")/source.sh"

version=1.2.3
sha256=7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4
# By what each saves, largest first: 8000 octets to 80.
files="regex/regcomp stdio/vfprintf regex/regexec malloc/mallocng/malloc malloc/mallocng/free
    time/__tz time/strftime thread/pthread_cond_timedwait thread/pthread_create stdlib/qsort
    passwd/getspnam_r network/getifaddrs stdlib/strtol passwd/getpw_a string/strstr
    string/memmem misc/realpath internal/intscan stdio/getdelim process/posix_spawn
    time/__secs_to_tm network/lookup_serv network/inet_pton thread/synccall internal/vdso
    stdio/vsnprintf stat/statvfs signal/sigaction unistd/faccessat thread/__timedwait
    stdio/perror stdio/__fdopen env/putenv network/inet_ntop stat/utimensat stat/fstatat
    process/fork stdio/fseek thread/pthread_mutex_timedlock passwd/getpwent stdio/fgets
    passwd/getpwent_a time/__year_to_secs thread/pthread_mutex_unlock network/netlink
    passwd/nscd_query env/__libc_start_main env/__init_tls malloc/lite_malloc multibyte/mbtowc
    network/getservbyname_r network/sendmsg network/recvmsg fcntl/fcntl locale/langinfo
    string/strchrnul process/execvp string/strcspn string/strspn stdio/__stdio_write
    process/_Fork stdio/fflush stdio/fopen"

say() {
    echo "musl: $*" >&2
}

installed() {
    dpkg-query -W -f '${Version}' musl-dev 2>/dev/null | sed 's/^[0-9]*://; s/-[^-]*$//'
}

# musl's own configure and make, for these objects alone; its Makefile makes the headers.
compile() {
    rm -rf "$out/src"
    mkdir "$out/src"
    tar -xf "$out/apt/musl_$version.orig.tar.gz" -C "$out/src" --strip-components=1
    cd "$out/src"
    set --
    for file in $files; do
        set -- "$@" "obj/src/$file.o"
    done
    cp "$here/wctype.c" .
    # No number here has a point (and to print one would not compile, without vector registers): a
    # format that asks for it is wrong, and half of vfprintf is not needed.
    sed -i 's/^.*l = fmt_fp(.*/goto inval;/' src/stdio/vfprintf.c
    CC=gcc ./configure --disable-shared --enable-optimize=no CFLAGS="$FLAGS" >/dev/null &&
        env -u MAKEFLAGS -u MAKELEVEL make -j "$(nproc)" "$@" >/dev/null &&
        musl-gcc $FLAGS -c -o obj/wctype.o wctype.c &&
        "${AR:-ar}" rcsD "$out/libmusl.a" obj/wctype.o "$@"
}

here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out/libmusl.a"
if [ "$(installed)" != "$version" ]; then
    say "this build knows the source of $version only; all of libc comes from libc.a"
elif ! source_fetch "$out" musl "musl_$version.orig.tar.gz" "$sha256"; then
    say "the source package cannot be had (see $out/apt/log); all of libc comes from libc.a"
else
    echo "musl: compiling the large functions for size"
    (compile) 2>"$out/log" || say "its source does not compile (see $out/log)"
fi
[ -f "$out/libmusl.a" ] || "${AR:-ar}" rcsD "$out/libmusl.a"
