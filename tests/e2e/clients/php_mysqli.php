<?php
// mysqli over mysqlnd: text by query(), prepared by prepare(). See README.md.
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
const UNICODE_TEXT = 'Grüße, 世界 😀';
$db = null;

function open_connection(): mysqli
{
    $db = mysqli_init();
    $tls = getenv('E2E_TLS') === '1';
    $db->options(MYSQLI_OPT_LOCAL_INFILE, 1);
    $db->real_connect(getenv('E2E_HOST'), getenv('E2E_USER'), getenv('E2E_PASSWORD'), getenv('E2E_DB'),
        (int)getenv('E2E_PORT'), null, $tls ? MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT : 0);
    $db->set_charset('utf8mb4');
    return $db;
}

function expect($got, $wanted): void
{
    if ($got !== $wanted) {
        throw new Exception(json_encode($got) . ' instead of ' . json_encode($wanted));
    }
}

function rows(string $sql): array
{
    global $db;
    return $db->query($sql)->fetch_all();
}

function prepared(string $sql, string $types, ...$values)
{
    global $db;
    $statement = $db->prepare($sql);
    $statement->bind_param($types, ...$values);
    $statement->execute();
    $result = $statement->get_result();
    return $result === false ? $statement->affected_rows : $result->fetch_all();
}

$checks = [
    'connect' => function () use (&$db) {
        $db = open_connection();
        expect(explode('@', rows('SELECT CURRENT_USER()')[0][0])[0], getenv('E2E_USER'));
    },
    'tls' => function () {
        expect(rows("SHOW STATUS LIKE 'Ssl_cipher'")[0][1] !== '', getenv('E2E_TLS') === '1');
    },
    'text' => function () use (&$db) {
        $db->query('CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))');
        $db->query("INSERT INTO t VALUES (1, 'text', 1.50)");
        expect($db->affected_rows, 1);
        expect(rows('SELECT * FROM t'), [['1', 'text', '1.50']]);
    },
    'prepared' => function () {
        expect(prepared('INSERT INTO t VALUES (?, ?, ?)', 'isd', 2, 'prepared', 2.25), 1);
        expect(prepared('SELECT * FROM t WHERE id = ?', 'i', 2), [[2, 'prepared', '2.25']]);
    },
    'commit' => function () use (&$db) {
        $db->autocommit(false);
        prepared('INSERT INTO t VALUES (?, ?, ?)', 'isd', 3, 'commit', null);
        $db->commit();
        expect(rows('SELECT COUNT(*) FROM t WHERE id = 3'), [['1']]);
    },
    'rollback' => function () use (&$db) {
        prepared('INSERT INTO t VALUES (?, ?, ?)', 'isd', 4, 'rollback', null);
        expect(rows('SELECT COUNT(*) FROM t WHERE id = 4'), [['1']]);
        $db->rollback();
        expect(rows('SELECT COUNT(*) FROM t WHERE id = 4'), [['0']]);
        $db->autocommit(true);
    },
    'large' => function () use (&$db) {
        foreach ([MYSQLI_STORE_RESULT, MYSQLI_USE_RESULT] as $mode) {
            $result = $db->query('SELECT id, name FROM shared.large', $mode);
            $count = $sum = 0;
            while ($row = $result->fetch_row()) {
                $count++;
                $sum += (int)$row[0];
            }
            $result->free();
            expect([$count, $sum], [100000, 5000050000]);
        }
    },
    'unicode' => function () {
        prepared('INSERT INTO t VALUES (?, ?, NULL)', 'is', 5, UNICODE_TEXT);
        expect(prepared('SELECT name FROM t WHERE name = ?', 's', UNICODE_TEXT), [[UNICODE_TEXT]]);
        expect(rows('SELECT name, CHAR_LENGTH(name) FROM t WHERE id = 5'), [[UNICODE_TEXT, '11']]);
    },
    'null' => function () {
        prepared('INSERT INTO t VALUES (?, ?, ?)', 'isd', 6, null, null);
        expect(prepared('SELECT name, price FROM t WHERE id = ?', 'i', 6), [[null, null]]);
    },
    'duplicate' => function () {
        try {
            prepared('INSERT INTO t VALUES (?, ?, ?)', 'isd', 1, 'again', 0);
        } catch (mysqli_sql_exception $e) {
            expect([$e->getCode(), $e->getSqlState()], [1062, '23000']);
            return;
        }
        throw new Exception('no error');
    },
    'load' => function () use (&$db) {
        $db->query('CREATE TABLE l (id INT, name VARCHAR(20))');
        $db->query("LOAD DATA LOCAL INFILE '" . getenv('E2E_FILE') . "' INTO TABLE l CHARACTER SET utf8mb4");
        expect(rows('SELECT name FROM l ORDER BY id'), [['eins'], ['zwei ß'], [null]]);
    },
    'again' => function () use (&$db) {
        $db->close();
        $db = open_connection();
        expect(rows('SELECT 40 + 2'), [['42']]);
    },
];

$status = 0;
foreach ($checks as $name => $check) {
    try {
        $check();
        echo "ok $name\n";
    } catch (Throwable $e) {
        echo "FAIL $name: {$e->getMessage()}\n";
        $status = 1;
        if ($db === null) {
            break;
        }
    }
}
exit($status);
