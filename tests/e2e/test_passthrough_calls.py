"""Whole buffers are relayed: how many system calls it takes, however many packets there are. Both real servers."""

import contextlib
import signal
import struct
import subprocess

import pytest
from conftest import HERE, relay_options, run
from wireclient import BASE, COM_QUERY, DEPRECATE_EOF, WireClient

# What a server sends at once. Where the relay is as fast as that it finds no more to read.
PIECE = 16 * 1024


@pytest.fixture(params=["mysql", "mariadb"])
def start_relay(request, relays, new_server, work):
    """start_relay(OPTION...) is one with calls(): how often it has read from sockets, and written to them, by calls of their own."""
    upstream = relays.upstream(request.param)
    library, path = work / "calls.so", work / "calls"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-O1", "-o", str(library), str(HERE / "clients/calls.c"), "-ldl"], check=True)

    def start(*options):
        server = new_server(*relay_options(upstream.port, "--storage-mysql-tls-mode", "disabled", *options),
                            env={"LD_PRELOAD": str(library), "E2E_CALLS": str(path)}).start()
        server.calls = lambda: struct.unpack("QQ", path.read_bytes())
        return server
    return start


@pytest.fixture
def relay(start_relay):
    """All that it does is counted."""
    return start_relay("--io-uring", "off")


def calls_of(relay, work):
    """Reads and writes that something takes."""
    before = relay.calls()
    work()
    return [now - then for now, then in zip(relay.calls(), before)]


def limit_of(size):
    """One call a piece, and as many again for pieces that are torn: some hundreds where there are 100,000 packets."""
    return 2 * size / PIECE + 50


def test_a_result_of_many_packets(relay):
    """100,000 rows from the server."""
    with WireClient(relay.port, BASE | DEPRECATE_EOF) as client:
        packets = []
        reads, writes = calls_of(relay, lambda: packets.extend(client.query("SELECT id, name FROM shared.large")))
    assert len(packets) > 100000
    limit = limit_of(sum(4 + len(payload) for _, payload in packets))
    assert reads < limit and writes < limit, (reads, writes, limit)


def test_a_file_of_many_packets(relay):
    """100,000 lines from the client, one a packet."""
    with WireClient(relay.port, BASE | DEPRECATE_EOF) as client:
        client.query("CREATE DATABASE IF NOT EXISTS calls")
        client.query("CREATE TABLE IF NOT EXISTS calls.t (i INT)")
        client.query("TRUNCATE calls.t")
        lines = [b"%d\n" % number for number in range(100000)]
        file = b"".join(struct.pack("<I", len(line))[:3] + bytes([(2 + i) & 255]) + line for i, line in enumerate(lines))

        def load():
            client.send_command(COM_QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE calls.t")
            sequence, payload = client.packet()
            assert payload[:1] == b"\xfb", payload
            client.send(file)
            client.send_packet(b"", sequence + 1 + len(lines))
            assert client.packet()[1][:1] == b"\0"

        reads, writes = calls_of(relay, load)
        assert client.value("SELECT COUNT(*) FROM calls.t") == str(len(lines))
    limit = limit_of(len(file))
    assert reads < limit and writes < limit, (reads, writes, limit)


def test_point_queries(relay):
    """A read and a write each way, and half as much again for what else happens."""
    count = 1000
    with relay.connect() as connection:

        def ask():
            for number in range(1, count + 1):
                assert len(run(connection, f"SELECT name FROM shared.large WHERE id = {number}")) == 1

        ask()
        reads, writes = calls_of(relay, ask)
    assert 2 * count <= reads <= 3 * count and 2 * count <= writes <= 3 * count, (reads, writes)


SESSIONS, ROUNDS = 60, 10


def ask_at_once(relay, clients, number):
    """The relay finds all their queries waiting. Each is answered with text of its own, of up to 60,000 bytes."""
    relay.signal(signal.SIGSTOP)
    for who, client in enumerate(clients):
        client.send_command(COM_QUERY, f"SELECT {who}, REPEAT(CHAR(65 + {(who + number) % 26}), {who * 1000})".encode())
    relay.signal(signal.SIGCONT)
    for who, client in enumerate(clients):
        assert client.rows_of(client.reply(COM_QUERY)) == [(str(who), chr(65 + (who + number) % 26) * (who * 1000))]


@pytest.mark.parametrize("together", ["on", "off"])
def test_queries_of_many_sessions_at_once(start_relay, together):
    """Their calls are made together where the kernel can; the answers are theirs in any case."""
    relay = start_relay("--io-uring", together)
    without = "without io_uring" in relay.log_text()
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(WireClient(relay.port, BASE | DEPRECATE_EOF)) for _ in range(SESSIONS)]
        reads, writes = calls_of(relay, lambda: [ask_at_once(relay, clients, number) for number in range(ROUNDS)])
    queries = SESSIONS * ROUNDS
    if together == "off" or without:
        assert reads >= 2 * queries and writes >= 2 * queries, (reads, writes)
    else:
        # But for one or two of each round, at least the queries themselves; as a rule most of the answers as well.
        assert reads < 1.5 * queries and writes < 1.5 * queries, (reads, writes)
