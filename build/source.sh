# Debian's source packages for the build; sourced by bearssl.sh and musl.sh.
#
#   source_verified FILE SHA256
#   source_fetch DIR PACKAGE FILE SHA256   puts FILE of that source package into DIR/apt
#
# Lists and cache are the build's own, in DIR/../sources: the system's apt is only read.

source_verified() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum -c - >/dev/null 2>&1
}

# A deb-src line for each Debian archive that the system itself uses; empty without apt.
source_entries() {
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)' 'Created-By: Packages' |
        awk -F'|' -v rel="$release" -v key="$([ -f $key ] && echo "[signed-by=$key] ")" \
            '$2 == rel && $3 == "main" && !seen[$1]++ {
                print "deb-src " key $1 " " rel " main"
            }'
}

source_fetch() {
    apt=$1/apt
    source_verified "$apt/$3" "$4" && return 0
    command -v apt-get >/dev/null || return 1
    shared=$1/../sources
    mkdir -p "$apt" "$shared/lists/partial" "$shared/cache/archives/partial"
    (
        # To read the lists takes longer than to compile what they lead to: once for all.
        ! command -v flock || flock 9
        source_entries >"$shared/src.list"
        [ -s "$shared/src.list" ] || exit 1
        set -- "$2" -o Dir::Etc::SourceList="$shared/src.list" -o Dir::Etc::SourceParts=/dev/null \
            -o Dir::State::Lists="$shared/lists" -o Dir::Cache="$shared/cache" -o APT::Sandbox::User=
        package=$1
        shift
        cd "$apt" && apt-get "$@" update && apt-get "$@" source --download-only "$package"
    ) >"$apt/log" 2>&1 9>"$shared.lock" || return 1
    source_verified "$apt/$3" "$4" && return 0
    echo "$2: the source package is not the one that this build was checked with (sha256)" >&2
    return 1
}
