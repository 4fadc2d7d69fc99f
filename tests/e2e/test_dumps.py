"""mysqldump: dumps of real servers load unchanged, and Pintail can be dumped; LOCK TABLES between sessions."""

import os
import pathlib
import shutil
import subprocess
import threading
import time

import pytest
from conftest import error_of, run

ROOT = pathlib.Path(__file__).resolve().parents[2]

SCHEMA = """
CREATE TABLE all_types (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, ti TINYINT, tb TINYINT(1) NOT NULL DEFAULT 1, si SMALLINT, mi MEDIUMINT,
  bi BIGINT, ub BIGINT UNSIGNED, de DECIMAL(10,2), dw DECIMAL(38,10), fl FLOAT, db DOUBLE, bt BIT(8), da DATE, dt DATETIME,
  dt6 DATETIME(6), ts TIMESTAMP NULL DEFAULT NULL,
  ts2 TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, tm TIME, yr YEAR, ch CHAR(10),
  vc VARCHAR(200) DEFAULT 'x''y', tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, bn BINARY(4), vb VARBINARY(50), bl BLOB,
  en ENUM('a','b','c''d'), se SET('x','y','z'), js JSON, KEY k (vc), KEY k2 (da, si), UNIQUE KEY u (bi), CHECK (ti < 100)
) COMMENT='all the types';
INSERT INTO all_types (ti,si,mi,bi,ub,de,dw,fl,db,bt,da,dt,dt6,ts,ts2,tm,yr,ch,vc,tx,mt,lt,bn,vb,bl,en,se,js) VALUES
  (-128,-32768,-8388608,-9223372036854775808,18446744073709551615,-99999999.99,1234567890123456789012345678.0123456789,1.5,
   -1.7976931348623157e308,b'10101010','2024-02-29','2024-02-29 23:59:59','2024-02-29 23:59:59.123456','2024-01-01 00:00:00',
   '2024-01-01 00:00:00','-838:59:59',1901,'abc','O''Reilly \\\\ "q"','line1\\nline2\\ttab','äöü€😀','long',x'00FF',x'00010200',
   x'DEADBEEF00','a','x,z','{"a": [1, 2, {"b": null}]}'),
  (NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2024-01-01 00:00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,
   NULL,NULL,NULL,NULL,NULL,NULL),
  (1,2,3,4,5,6,7,8,9,1,'1000-01-01','9999-12-31 23:59:59','1970-01-01 00:00:01','2038-01-19 03:14:07','2024-01-01 00:00:00',
   '838:59:59',2155,'','','','','','','','','b','','[]');
CREATE TABLE latin (a INT, b VARCHAR(20) CHARACTER SET latin1, PRIMARY KEY (a,b)) DEFAULT CHARSET=latin1;
INSERT INTO latin VALUES (1,'é'),(2,'z');
CREATE TABLE `odd name` (`select` INT, `a``b` INT, KEY (`select`));
INSERT INTO `odd name` VALUES (1,2);
CREATE TABLE nopk (v INT, w VARCHAR(5) NOT NULL DEFAULT '');
INSERT INTO nopk VALUES (1,'a'),(1,'a'),(NULL,'');
CREATE TABLE nothing (id INT PRIMARY KEY);
"""
TABLES = ["all_types", "latin", "odd name", "nopk", "nothing"]


def real_server(name, work):
    """Starts a real server; its program and port, and what stops it."""
    script = ROOT / "tests/servers" / name
    done = subprocess.run([script, "start", work / name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{name} does not start: {done.stderr[-200:]}")
    return script, int((work / name / "port").read_text()), lambda: subprocess.run([script, "stop", work / name], check=False,
                                                                                  capture_output=True)


def client(program, port, *args, text=None):
    """Runs a command-line client as root; what it prints."""
    done = subprocess.run([*program, "-uroot", "-h127.0.0.1", f"-P{port}", *args], input=text, capture_output=True,
                          text=True, errors="surrogateescape", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(mysql, port):
    return {t: sorted(client(mysql, port, "shop", "--default-character-set=utf8mb4", "-N", "-e",
                             f"SET time_zone='+00:00'; SELECT * FROM `{t}`").splitlines()) for t in TABLES}


def without_header(dump):
    """What does not name the server or the time."""
    return [line for line in dump.splitlines()
            if not line.startswith(("-- Server version", "-- Dump completed", "-- Host:", "/*M!"))]


MARIADB = (["mysql"], ["mysqldump"])


@pytest.mark.skipif(shutil.which("mysqldump") is None or not os.path.exists("/usr/sbin/mariadbd"), reason="no MariaDB")
def test_dump_of_mariadb_loads_and_dumps_alike(mariadb_server, work):
    mysql, mysqldump = MARIADB
    _, port, stop = real_server("mariadb", work)
    try:
        client(mysql, port, "--default-character-set=utf8mb4", text="CREATE DATABASE shop; USE shop;" + SCHEMA)
        dump = client(mysqldump, port, "--databases", "shop")
        client(mysql, mariadb_server.port, text=dump)
        assert rows_of(mysql, mariadb_server.port) == rows_of(mysql, port)
        again = client(mysqldump, mariadb_server.port, "--databases", "shop")
        assert without_header(again) == without_header(dump)
    finally:
        stop()
        client(mysql, mariadb_server.port, "-e", "DROP DATABASE IF EXISTS shop")


@pytest.mark.skipif(shutil.which("mysql") is None, reason="no mysql client")
def test_dump_of_mysql_loads_and_dumps_alike(server, work):
    script, port, stop = real_server("mysql97", work)
    mysql = ["mysql"]
    mysqldump = [str(script), "run", "mysqldump", "--set-gtid-purged=OFF"]
    try:
        client(mysql, port, "--default-character-set=utf8mb4", text="CREATE DATABASE shop; USE shop;" + SCHEMA)
        dump = client(mysqldump, port, "--databases", "shop")
        client(mysql, server.port, text=dump)
        assert rows_of(mysql, server.port) == rows_of(mysql, port)
        again = client(mysqldump, server.port, "--databases", "shop")
        assert without_header(again) == without_header(dump)
    finally:
        stop()
        client(mysql, server.port, "-e", "DROP DATABASE IF EXISTS shop")


# ---- LOCK TABLES and locking reads between sessions ----


@pytest.fixture
def two(session):
    a, b = session(), session()
    run(a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)")
    run(a, "INSERT INTO t VALUES (1, 10)")
    run(b, "SET innodb_lock_wait_timeout=1, lock_wait_timeout=1")
    return a, b


def test_write_lock_keeps_readers_out(two):
    a, b = two
    run(a, "LOCK TABLES t WRITE")
    assert error_of(b, "SELECT * FROM t") == 1205
    run(a, "UPDATE t SET n=11")
    run(a, "UNLOCK TABLES")
    assert run(b, "SELECT n FROM t") == ((11,),)


def test_read_lock_lets_readers_in(two):
    a, b = two
    run(a, "LOCK TABLES t READ")
    assert run(b, "SELECT n FROM t") == ((10,),)
    assert error_of(b, "UPDATE t SET n=11") == 1205
    assert error_of(a, "UPDATE t SET n=11") == 1099
    run(a, "UNLOCK TABLES")
    run(b, "UPDATE t SET n=11")


def test_locks_end_with_the_session(two, session):
    a, b = two
    run(a, "LOCK TABLES t WRITE")
    a.close()
    time.sleep(0.2)
    run(b, "UPDATE t SET n=12")


def test_read_lock_of_everything(two):
    a, b = two
    run(a, "FLUSH TABLES WITH READ LOCK")
    assert error_of(b, "INSERT INTO t VALUES (2, 2)") == 1205
    assert error_of(b, "CREATE TABLE u (a INT)") == 1205
    assert run(b, "SELECT n FROM t") == ((10,),)
    run(a, "UNLOCK TABLES")
    run(b, "INSERT INTO t VALUES (2, 2)")


def test_for_update_keeps_writers_out(two):
    a, b = two
    run(a, "BEGIN")
    assert run(a, "SELECT n FROM t WHERE id=1 FOR UPDATE") == ((10,),)
    assert run(b, "SELECT n FROM t WHERE id=1") == ((10,),)
    assert error_of(b, "UPDATE t SET n=n+1 WHERE id=1") == 1205
    run(b, "BEGIN")
    assert error_of(b, "SELECT n FROM t WHERE id=1 FOR UPDATE NOWAIT") == 3572
    run(a, "UPDATE t SET n=n+5 WHERE id=1")
    run(a, "COMMIT")
    assert run(b, "SELECT n FROM t WHERE id=1 FOR UPDATE") == ((15,),)
    run(b, "ROLLBACK")


def test_for_update_reads_what_is_committed(two):
    a, b = two
    run(b, "BEGIN")
    assert run(b, "SELECT n FROM t") == ((10,),)
    run(a, "UPDATE t SET n=20")
    assert run(b, "SELECT n FROM t") == ((10,),)
    assert run(b, "SELECT n FROM t FOR SHARE") == ((20,),)
    run(b, "COMMIT")


def test_counters_do_not_lose_increments(two, session):
    sessions = [session() for _ in range(4)]

    def count(s):
        for _ in range(10):
            run(s, "BEGIN")
            n = run(s, "SELECT n FROM t WHERE id=1 FOR UPDATE")[0][0]
            run(s, "UPDATE t SET n=%s WHERE id=1", (n + 1,))
            run(s, "COMMIT")

    threads = [threading.Thread(target=count, args=(s,)) for s in sessions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert run(two[0], "SELECT n FROM t") == ((50,),)
