#!/usr/bin/env bash
# The command-line client, MariaDB's or MySQL 9.7's own (the argument). It has no prepared statements but PREPARE. See
# README.md.
set -uo pipefail
kind=$1
status=0
export MYSQL_PWD=$E2E_PASSWORD
UNICODE='Grüße, 世界 😀'

common=(--no-defaults --protocol=tcp -h "$E2E_HOST" -P "$E2E_PORT" -u "$E2E_USER" --default-character-set=utf8mb4 --local-infile=1 -N -B)
case $kind:$E2E_TLS in
mariadb:1) command=(mariadb "${common[@]}" --ssl) ;;
mariadb:0) command=(mariadb "${common[@]}" --skip-ssl) ;;
mysql97:1) command=("$E2E_MYSQL97" run mysql "${common[@]}" --ssl-mode=REQUIRED) ;;
mysql97:0) command=("$E2E_MYSQL97" run mysql "${common[@]}" --ssl-mode=DISABLED --get-server-public-key) ;;
esac

sql() {
    "${command[@]}" "$E2E_DB" -e "$1" 2>&1
}

# check NAME WANTED SQL
check() {
    local got
    got=$(sql "$3")
    if [ "$got" = "$2" ]; then
        echo "ok $1"
    else
        echo "FAIL $1: ${got:0:500} instead of $2"
        status=1
    fi
}

tab=$'\t'
check connect "$E2E_USER" "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"
case $(sql "SHOW STATUS LIKE 'Ssl_cipher'"):$E2E_TLS in
*"$tab"?*:1 | *"$tab":0) echo "ok tls" ;;
*) echo "FAIL tls: $(sql "SHOW STATUS LIKE 'Ssl_cipher'")" && status=1 ;;
esac
check text "1${tab}text${tab}1.50" "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2));
    INSERT INTO t VALUES (1, 'text', 1.50); SELECT * FROM t"
check prepared "2${tab}prepared${tab}2.25" "PREPARE i FROM 'INSERT INTO t VALUES (?, ?, ?)'; SET @a = 2, @b = 'prepared', @c = 2.25;
    EXECUTE i USING @a, @b, @c; PREPARE s FROM 'SELECT * FROM t WHERE id = ?'; EXECUTE s USING @a"
check commit 1 "BEGIN; INSERT INTO t VALUES (3, 'commit', NULL); COMMIT; SELECT COUNT(*) FROM t WHERE id = 3"
check rollback $'1\n0' "BEGIN; INSERT INTO t VALUES (4, 'rollback', NULL); SELECT COUNT(*) FROM t WHERE id = 4; ROLLBACK;
    SELECT COUNT(*) FROM t WHERE id = 4"
got=$(sql "SELECT id, name FROM shared.large" | awk '{ n++; s += $1 } END { printf "%d %d", n, s }')
if [ "$got" = "100000 5000050000" ]; then echo "ok large"; else echo "FAIL large: $got" && status=1; fi
check unicode "$UNICODE${tab}11" "INSERT INTO t VALUES (5, '$UNICODE', NULL); SELECT name, CHAR_LENGTH(name) FROM t WHERE name = '$UNICODE'"
check null "NULL${tab}NULL" "INSERT INTO t VALUES (6, NULL, NULL); SELECT name, price FROM t WHERE id = 6"
case $(sql "INSERT INTO t VALUES (1, 'again', 0)") in
*"ERROR 1062 (23000)"*) echo "ok duplicate" ;;
*) echo "FAIL duplicate: $(sql "INSERT INTO t VALUES (1, 'again', 0)")" && status=1 ;;
esac
check load $'eins\nzwei ß\nNULL' "CREATE TABLE l (id INT, name VARCHAR(20));
    LOAD DATA LOCAL INFILE '$E2E_FILE' INTO TABLE l CHARACTER SET utf8mb4; SELECT name FROM l ORDER BY id"
check again 42 "SELECT 40 + 2"
exit $status
