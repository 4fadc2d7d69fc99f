# Certificates for the servers' TLS, made once in the cache and copied to DIR/tls of each server started with them.
#
#   ca.pem                            the authority; self-signed
#   server-cert.pem server-key.pem    for localhost, 127.0.0.1 and ::1
#   client-cert.pem client-key.pem    CN=client, for accounts with REQUIRE X509, SUBJECT or ISSUER
#   expired-cert.pem expired-key.pem  a server certificate that ended in 2021
#   other-ca.pem                      an authority that signed none of them
#
# Keys are of P-256, valid for ten years.

certificates=$cache/tls

# A self-signed authority: NAME.pem, NAME-key.pem.
make_authority() { # DIR NAME COMMON-NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$3" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout "$1/$2-key.pem" -out "$1/$2.pem" 2>/dev/null
}

# A certificate signed by ca.pem; BEGIN and END as YYYYMMDDHHMMSSZ.
make_certificate() { # DIR NAME COMMON-NAME BEGIN END
    local dir=$1 name=$2 work=$1/ca
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" -keyout "$dir/$name-key.pem" \
        -out "$work/$name.csr" 2>/dev/null
    openssl ca -batch -notext -config "$work/ca.cnf" -cert "$dir/ca.pem" -keyfile "$dir/ca-key.pem" \
        -startdate "$4" -enddate "$5" -in "$work/$name.csr" -out "$dir/$name-cert.pem" 2>/dev/null
}

# What `openssl ca` wants to find; it alone can make a certificate that has ended.
ca_configuration() { # DIR
    cat <<END
[ca]
default_ca = here
[here]
database = $1/index
serial = $1/serial
new_certs_dir = $1
default_md = sha256
policy = any
x509_extensions = names
unique_subject = no
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
END
}

make_certificates() {
    local new=$certificates.new now later
    now=$(date -u -d '1 day ago' +%Y%m%d%H%M%SZ)
    later=$(date -u -d '9 years' +%Y%m%d%H%M%SZ)
    say "making certificates"
    rm -rf "$new" "$certificates"
    mkdir -p "$new/ca"
    : >"$new/ca/index"
    echo 1000 >"$new/ca/serial"
    ca_configuration "$new/ca" >"$new/ca/ca.cnf"
    if make_authority "$new" ca "Pintail test CA" && make_authority "$new" other-ca "Another CA" &&
        make_certificate "$new" server localhost "$now" "$later" &&
        make_certificate "$new" client client "$now" "$later" &&
        make_certificate "$new" expired localhost 20200101000000Z 20210101000000Z; then
        rm -rf "$new/ca"
        mv "$new" "$certificates"
    else
        die "openssl cannot make certificates"
    fi
}

# Copies the certificates into DIR/tls.
give_certificates() { # DIR
    [ -s "$certificates/expired-cert.pem" ] || with_cache_lock tls make_certificates || exit 1
    mkdir -p "$1/tls"
    cp "$certificates"/*.pem "$1/tls/"
}
