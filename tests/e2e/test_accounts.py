"""Accounts as several sessions see them: the same scripts on MySQL 9.7 and on Pintail, and the same answers."""

import time

import pymysql
import pytest


class Actors:
    """The sessions of a script: a line "user: statement" runs in that user's session, which stays."""

    def __init__(self, server):
        self.server, self.sessions = server, {}

    def connect(self, user):
        password = "" if "/" not in user else user.split("/")[1]
        return self.server.connect(user=user.split("/")[0], password=password)

    def answer(self, user, statement):
        try:
            if user not in self.sessions:
                self.sessions[user] = self.connect(user)
            with self.sessions[user].cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        except pymysql.err.MySQLError as e:
            # Pintail does not look up the names of addresses.
            return e.args[0], str(e.args[1]).replace("127.0.0.1", "localhost")

    def leave(self, user):
        self.sessions.pop(user).close()

    def close(self):
        for connection in self.sessions.values():
            connection.close()


def play(server, script):
    """What each line of a script answers."""
    actors = Actors(server)
    answers = []
    for line in filter(None, map(str.strip, script.split("\n"))):
        user, statement = line.split(": ", 1)
        if statement == "(leave)":
            actors.leave(user)
        else:
            answers.append((line, actors.answer(user, statement)))
    actors.close()
    return answers


@pytest.fixture
def same(server, relays):
    """Plays a script on both servers and compares."""
    def check(script):
        expected = play(relays.upstream("mysql"), script)
        answers = play(server, script)
        for want, got in zip(expected, answers):
            assert got == want
    return check


def test_privileges_come_and_go_with_active_roles(same):
    same("""
        root: DROP USER IF EXISTS ra, rb, r1, r2, r3
        root: DROP DATABASE IF EXISTS rdb
        root: CREATE DATABASE rdb
        root: CREATE TABLE rdb.t (id INT PRIMARY KEY, a INT)
        root: CREATE TABLE rdb.s (id INT PRIMARY KEY, a INT)
        root: CREATE USER ra, rb
        root: CREATE ROLE r1, r2, r3
        root: GRANT SELECT ON rdb.* TO r1
        root: GRANT UPDATE, INSERT ON rdb.* TO r3
        root: GRANT r3 TO r2
        root: GRANT r1, r2 TO ra
        root: GRANT r1 TO rb WITH ADMIN OPTION
        ra: SELECT CURRENT_ROLE(), CURRENT_USER()
        ra: SELECT * FROM rdb.t
        ra: SET ROLE r1
        ra: SELECT * FROM rdb.t
        ra: INSERT INTO rdb.t VALUES (1, 1)
        ra: SET ROLE r2, r1, r1
        ra: SELECT CURRENT_ROLE()
        ra: INSERT INTO rdb.t VALUES (1, 1)
        ra: UPDATE rdb.t SET a = 2 WHERE id = 1
        ra: DELETE FROM rdb.t
        ra: SHOW GRANTS
        ra: SHOW GRANTS FOR ra
        ra: SHOW GRANTS FOR CURRENT_USER()
        ra: SHOW GRANTS FOR r1
        ra: SET ROLE ALL EXCEPT r1
        ra: SELECT CURRENT_ROLE()
        ra: SET ROLE r3
        ra: SELECT CURRENT_ROLE()
        ra: SET ROLE ALL
        ra: SELECT CURRENT_ROLE()
        ra: SHOW GRANTS FOR ra USING r1
        ra: SHOW GRANTS FOR ra USING r3
        ra: USE rdb
        ra: SET ROLE NONE
        ra: USE rdb
        ra: SET DEFAULT ROLE r1 TO ra
        ra: SET DEFAULT ROLE r1 TO rb
        ra: SET ROLE DEFAULT
        ra: SELECT CURRENT_ROLE()
        ra: GRANT r1 TO rb
        ra: REVOKE r1 FROM rb
        ra: CREATE ROLE x
        ra: DROP ROLE x
        ra: DROP USER r1
        ra: ALTER USER ra DEFAULT ROLE r2
        ra: ALTER USER rb DEFAULT ROLE r1
        ra: (leave)
        ra: SELECT CURRENT_ROLE()
        ra: INSERT INTO rdb.s VALUES (1, 1)
        root: REVOKE r2 FROM ra
        ra: INSERT INTO rdb.s VALUES (2, 1)
        ra: SELECT CURRENT_ROLE()
        root: GRANT r2 TO ra
        ra: INSERT INTO rdb.s VALUES (3, 1)
        root: REVOKE INSERT ON rdb.* FROM r3
        ra: INSERT INTO rdb.s VALUES (4, 1)
        root: GRANT SELECT ON rdb.s TO r3
        ra: SELECT COUNT(*) FROM rdb.s
        root: DROP ROLE r3
        ra: SELECT COUNT(*) FROM rdb.s
        rb: GRANT r2 TO ra
        rb: REVOKE r1 FROM ra
        ra: SET ROLE r1
        rb: GRANT r1 TO ra WITH ADMIN OPTION
        ra: SET ROLE r1
        ra: SHOW GRANTS
        ra: DROP USER ra
        root: DROP USER ra, rb, r1, r2
        root: DROP DATABASE rdb
    """)


def test_roles_survive_a_restart(new_server):
    server = new_server().start()
    server.query("CREATE ROLE kept, held")
    server.query("CREATE USER holder DEFAULT ROLE kept")
    server.query("GRANT held TO holder WITH ADMIN OPTION")
    before = server.query("SHOW GRANTS FOR holder"), server.query("SHOW CREATE USER holder")
    server.stop()
    server.start()
    assert (server.query("SHOW GRANTS FOR holder"), server.query("SHOW CREATE USER holder")) == before
    assert server.query("SELECT CURRENT_ROLE()", user="holder") == (("`kept`@`%`",),)


def test_a_prepared_statement_loses_what_its_role_gave(server):
    server.query("DROP USER IF EXISTS pa, p1")
    server.query("CREATE DATABASE IF NOT EXISTS pdb")
    server.query("CREATE TABLE IF NOT EXISTS pdb.t (id INT PRIMARY KEY)")
    server.query("CREATE USER pa")
    server.query("CREATE ROLE p1")
    server.query("GRANT SELECT ON pdb.t TO p1")
    server.query("GRANT p1 TO pa")
    with server.connect(user="pa") as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE p1")
        cursor.execute("PREPARE s FROM 'SELECT * FROM pdb.t'")
        for _ in range(20):
            cursor.execute("SET ROLE p1")
            cursor.execute("EXECUTE s")
            cursor.execute("SET ROLE NONE")
            with pytest.raises(pymysql.err.MySQLError) as e:
                cursor.execute("EXECUTE s")
            assert e.value.args[0] == 1142
    server.query("DROP USER pa, p1")
    server.query("DROP DATABASE pdb")


EXPIRED_PASSWORDS = 1 << 22  # a capability: the client can ask for another password


def attempt(server, user, password="", **options):
    """A login: the session, or its error."""
    try:
        return server.connect(user=user, password=password, **options)
    except pymysql.err.MySQLError as e:
        return e.args[0], str(e.args[1]).replace("127.0.0.1", "localhost")


def settled(connect):
    """The session that connect() gives once others, which have just ended, are no longer counted."""
    for _ in range(50):
        connection = connect()
        if not isinstance(connection, tuple):
            break
        time.sleep(0.1)
    assert not isinstance(connection, tuple), connection
    return connection


def on_both(server, relays, check):
    """check(server) appends what it sees to a list; both servers must give the same."""
    seen = []
    for one in relays.upstream("mysql"), server:
        seen.append(list(check(one)))
    assert seen[1] == seen[0]


def test_an_expired_password_must_be_changed_first(server, relays):
    def check(one):
        one.query("DROP USER IF EXISTS ea, eb")
        one.query("CREATE USER ea IDENTIFIED BY 'x' PASSWORD EXPIRE")
        one.query("CREATE USER eb")
        yield attempt(one, "ea", "x")
        actors = Actors(one)
        actors.connect = lambda user: one.connect(user="ea", password=user, client_flag=EXPIRED_PASSWORDS)
        for statement in ["SELECT 1", "SET @a = 1", "SET NAMES utf8mb4", "USE mysql", "SHOW WARNINGS", "BEGIN",
                          "PREPARE s FROM 'SELECT 1'", "ALTER USER eb IDENTIFIED BY 'y'", "ALTER USER ea ACCOUNT UNLOCK",
                          "SET ROLE NONE", "ALTER USER USER() IDENTIFIED BY 'y'", "SELECT 1"]:
            yield statement, actors.answer("x", statement)
        one.query("ALTER USER ea PASSWORD EXPIRE")
        yield actors.answer("x", "SELECT 2"), actors.answer("y", "SELECT 2")
        one.query("ALTER USER ea IDENTIFIED BY 'z'")
        yield actors.answer("y", "SELECT 3"), actors.answer("y", "SET PASSWORD = 'w'"), actors.answer("y", "SELECT 4")
        actors.close()
        attempt(one, "ea", "w").close()
        one.query("DROP USER ea, eb")
    on_both(server, relays, check)


def test_wrong_passwords_block_an_account(server, relays):
    def check(one):
        one.query("DROP USER IF EXISTS fa, fb")
        one.query("CREATE USER fa IDENTIFIED BY 'x' FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME 3")
        one.query("CREATE USER fb IDENTIFIED BY 'x' FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME UNBOUNDED")
        yield [attempt(one, "fa", password) for password in ("a", "a", "x", "a")]
        one.query("ALTER USER fa ACCOUNT UNLOCK")
        attempt(one, "fa", "x").close()
        yield attempt(one, "fa", "a")
        attempt(one, "fa", "x").close()  # the count begins again
        yield attempt(one, "fa", "a"), attempt(one, "fa", "a")
        one.query("FLUSH PRIVILEGES")
        attempt(one, "fa", "x").close()
        yield attempt(one, "fb", "a"), attempt(one, "fb", "x")
        one.query("ALTER USER fb IDENTIFIED BY 'x'")
        yield attempt(one, "fb", "x")
        one.query("ALTER USER fb FAILED_LOGIN_ATTEMPTS 0")
        attempt(one, "fb", "x").close()
        for user in "fa", "fb":
            text = one.query(f"SHOW CREATE USER {user}")[0][0]
            yield text[text.index(" REQUIRE "):]
        one.query("DROP USER fa, fb")
    on_both(server, relays, check)


def test_an_account_has_no_more_connections_than_it_may(server, relays):
    def check(one):
        one.query("DROP USER IF EXISTS ma, mb")
        one.query("CREATE USER ma WITH MAX_USER_CONNECTIONS 1")
        one.query("CREATE USER mb")
        first = attempt(one, "ma")
        yield attempt(one, "ma"), attempt(one, "ma")
        first.close()
        settled(lambda: attempt(one, "ma")).close()
        one.query("SET GLOBAL max_user_connections = 1")
        with one.connect(user="mb"):
            yield attempt(one, "mb")
        one.query("SET GLOBAL max_user_connections = 0")
        yield one.query("SHOW CREATE USER ma"), one.query("SHOW GRANTS FOR ma")
        one.query("DROP USER ma, mb")
    on_both(server, relays, check)


def test_one_connection_is_kept_for_who_may_make_room(new_server):
    server = new_server().start()
    server.query("CREATE USER plain")
    with server.connect() as root, root.cursor() as cursor:
        cursor.execute("SET GLOBAL max_connections = 3")
        sessions = [server.connect(user="plain"), server.connect(user="plain")]
        assert attempt(server, "plain") == (1040, "Too many connections")
        kept = settled(lambda: attempt(server, "root"))
        assert attempt(server, "root")[0] == 1040
        kept.close()
        for session in sessions:
            session.close()
