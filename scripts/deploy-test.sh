#!/usr/bin/env bash
# Tests the files of deploy/ with the programs that read them: alerts.yml with promtool on metrics of a server under faults
# (scripts/alerts-test.py), nginx.conf with nginx -t. Not part of `make test`: it takes minutes.
#
#   scripts/deploy-test.sh [PROGRAM]    without a word target/release/tongqian
#
# A tool that is not here is unpacked from its Debian package into the cache; nothing is installed.
source "$(dirname "$0")/common.sh"
cd "$root"

# tool NAME PACKAGE PATH: prints where the tool is.
tool() {
    local name="$1" package="$2" path="$cache/deploy-tools/$3"
    command -v "$name" && return
    if [ ! -x "$path" ]; then
        have apt-get || die "$name is not here"
        mkdir -p "$cache/deploy-tools"
        (cd "$cache/deploy-tools" && apt-get download -q "$package" && dpkg -x "$package"_*.deb .) >"$log" 2>&1 ||
            die "$name cannot be had from the package $package ($log)"
    fi
    echo "$path"
}

# A subshell, because a trap on RETURN would run again when the caller returns, without the variable.
check_nginx() (
    dir="$(mktemp -d)"
    trap 'rm -rf "$dir"' EXIT
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=pay.example.com \
        -keyout "$dir/privkey.pem" -out "$dir/fullchain.pem"
    # The file is made for conf.d: here it gets what stands around it, and a certificate.
    sed "s#/etc/ssl/tongqian#$dir#" deploy/nginx.conf >"$dir/site.conf"
    lines=""
    for kind in client_body proxy fastcgi uwsgi scgi; do lines+="${kind}_temp_path $dir/$kind; "; done
    echo "pid $dir/pid; error_log stderr; events {} http { access_log off; $lines include $dir/site.conf; }" >"$dir/nginx.conf"
    "$nginx" -t -p "$dir" -c "$dir/nginx.conf"
)

nginx="$(tool nginx nginx usr/sbin/nginx)"
step "checking deploy/nginx.conf with $("$nginx" -v 2>&1 | sed 's/.*: //')" check_nginx
PROMTOOL="$(tool promtool prometheus usr/bin/promtool)"
export PROMTOOL
say "playing faults, and asking promtool which alerts they raise"
scripts/alerts-test.py "$@"
