# Programs from another branch of Debian, for the scripts beside this file.
#
# The packages, with all the libraries they need, are unpacked below the cache and run with their own dynamic loader;
# nothing is installed on the machine and no root is needed. The mirror is the one apt is configured with
# (PINTAIL_DEBIAN_MIRROR overrides it). $root is where they are, without a slash at its end; empty for
# what is installed on the machine itself.

root=${tree:+$cache/$tree}

# The archive that apt takes Debian itself from, in either format of its sources.
mirror() {
    if [ -n "${PINTAIL_DEBIAN_MIRROR:-}" ]; then
        echo "$PINTAIL_DEBIAN_MIRROR"
        return
    fi
    # One of the files is usually missing, which is no failure.
    set +o pipefail
    {
        cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
            awk 'BEGIN { RS = ""; FS = "\n" }
                { uri = suites = components = ""
                  for (i = 1; i <= NF; i++) {
                      if ($i ~ /^URIs:/) { split($i, w, /[ \t]+/); uri = w[2] }
                      if ($i ~ /^Suites:/) suites = $i
                      if ($i ~ /^Components:/) components = $i
                  }
                  if (uri != "" && components ~ /main/ && suites ~ /bookworm|trixie|stable|sid/ && suites !~ /^Suites:[ \t]*[a-z]*-security/)
                      print uri }'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
            sed -n 's/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) *\(bookworm\|trixie\|stable\|sid\) .*main.*/\2/p'
    } | sed -n 1p
    set -o pipefail
}

# apt-get with a state of its own in a directory: another branch's package lists, and nothing counted as installed.
branch_apt() { # DIR ARG...
    local dir=$1
    shift
    apt-get -q -o Dir::State="$dir" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
        -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferences=- \
        -o Dir::Etc::preferencesparts=- -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
        -o APT::Architectures="$(dpkg --print-architecture)" -o Acquire::Languages=none \
        -o Acquire::Check-Valid-Until=false -o Acquire::http::Timeout=60 -o Acquire::https::Timeout=60 \
        -o Acquire::Retries=3 -o APT::Update::Post-Invoke-Success::= "$@"
}

# Downloads $packages of $branch into DIR/cache/archives.
download_packages() { # DIR
    local apt=$1 from
    from=$(mirror)
    [ -n "$from" ] || die "no Debian mirror found in apt's sources; set PINTAIL_DEBIAN_MIRROR"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $branch main" >"$apt/sources.list"
    say "reading the package lists of Debian's branch $branch"
    branch_apt "$apt" update >"$apt.log" 2>&1 || {
        tail -n 5 "$apt.log" >&2
        die "apt-get update failed"
    }
    say "downloading $packages and what they need"
    # shellcheck disable=SC2086
    branch_apt "$apt" install -y --download-only $packages >>"$apt.log" 2>&1 || {
        tail -n 5 "$apt.log" >&2
        die "downloading the packages failed"
    }
}

# Fills $root; interrupted, it leaves nothing there.
fetch_packages() {
    local deb new=$root.new
    rm -rf "$new"
    mkdir -p "$new/apt" "$new/usr/bin" "$new/usr/sbin" "$new/usr/lib" "$new/usr/lib64"
    download_packages "$new/apt"
    say "unpacking"
    ln -s usr/bin usr/sbin usr/lib usr/lib64 "$new/"
    for deb in "$new"/apt/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x -C "$new" --keep-directory-symlink --no-same-owner --exclude='./usr/share/doc' --exclude='./usr/share/man'
    done
    rm -rf "$new/apt" "$root"
    mv "$new" "$root"
}

# Becomes a program of the unpacked packages, with their own loader and libraries; of the machine, without a root.
become() { # PROGRAM ARG...
    local program=$1 loader libraries
    shift
    [ -n "$root" ] || exec "/$program" "$@"
    loader=$(echo "$root"/usr/lib/*-linux-gnu/ld-*.so*)
    loader=${loader%% *}
    libraries=${loader%/*}
    exec "$loader" --library-path "$libraries:$root/usr/lib/mysql-router" "$root/$program" "$@"
}

# The same in a child process.
run_program() {
    (become "$@")
}
