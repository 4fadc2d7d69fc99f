// mysql2: text by query(), prepared by execute(). See README.md.
const fs = require('fs');
const mysql = require('mysql2/promise');

const env = process.env;
const UNICODE = 'Grüße, 世界 😀';

function connect() {
  return mysql.createConnection({
    host: env.E2E_HOST,
    port: Number(env.E2E_PORT),
    user: env.E2E_USER,
    password: env.E2E_PASSWORD,
    database: env.E2E_DB,
    charset: 'utf8mb4',
    ssl: env.E2E_TLS === '1' ? { rejectUnauthorized: false } : undefined,
    infileStreamFactory: (path) => fs.createReadStream(path),
  });
}

let db;

async function rows(sql, values) {
  const [result] = values === undefined ? await db.query(sql) : await db.execute(sql, values);
  return result;
}

function expect(got, wanted) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
  }
}

const count = async (id) => (await rows('SELECT COUNT(*) AS n FROM t WHERE id = ?', [id]))[0].n;

const checks = {
  async connect() {
    db = await connect();
    expect((await rows('SELECT CURRENT_USER() AS u'))[0].u.split('@')[0], env.E2E_USER);
  },
  async tls() {
    expect((await rows("SHOW STATUS LIKE 'Ssl_cipher'"))[0].Value !== '', env.E2E_TLS === '1');
  },
  async text() {
    await rows('CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))');
    await rows("INSERT INTO t VALUES (1, 'text', 1.50)");
    expect(await rows('SELECT * FROM t'), [{ id: 1, name: 'text', price: '1.50' }]);
  },
  async prepared() {
    const result = await rows('INSERT INTO t VALUES (?, ?, ?)', [2, 'prepared', '2.25']);
    expect(result.affectedRows, 1);
    expect(await rows('SELECT * FROM t WHERE id = ?', [2]), [{ id: 2, name: 'prepared', price: '2.25' }]);
  },
  async commit() {
    await db.beginTransaction();
    await rows('INSERT INTO t VALUES (?, ?, ?)', [3, 'commit', null]);
    await db.commit();
    expect(await count(3), 1);
  },
  async rollback() {
    await db.beginTransaction();
    await rows('INSERT INTO t VALUES (?, ?, ?)', [4, 'rollback', null]);
    expect(await count(4), 1);
    await db.rollback();
    expect(await count(4), 0);
  },
  async large() {
    for (const binary of [false, true]) {
      const sql = 'SELECT id, name FROM shared.large';
      const result = binary ? await rows(sql, []) : await rows(sql);
      expect([result.length, result.reduce((sum, row) => sum + row.id, 0)], [100000, 5000050000]);
    }
  },
  async unicode() {
    await rows('INSERT INTO t VALUES (?, ?, NULL)', [5, UNICODE]);
    expect((await rows('SELECT name FROM t WHERE name = ?', [UNICODE]))[0].name, UNICODE);
    expect((await rows('SELECT name FROM t WHERE id = 5'))[0].name, UNICODE);
  },
  async null() {
    await rows('INSERT INTO t VALUES (?, ?, ?)', [6, null, null]);
    expect(await rows('SELECT name, price FROM t WHERE id = ?', [6]), [{ name: null, price: null }]);
  },
  async duplicate() {
    const error = await rows('INSERT INTO t VALUES (?, ?, ?)', [1, 'again', 0]).then(() => null, (e) => e);
    expect([error && error.errno, error && error.code, error && error.sqlState], [1062, 'ER_DUP_ENTRY', '23000']);
  },
  async load() {
    await rows('CREATE TABLE l (id INT, name VARCHAR(20))');
    await rows(`LOAD DATA LOCAL INFILE '${env.E2E_FILE}' INTO TABLE l CHARACTER SET utf8mb4`);
    expect((await rows('SELECT name FROM l ORDER BY id')).map((row) => row.name), ['eins', 'zwei ß', null]);
  },
  async again() {
    await db.end();
    db = await connect();
    expect((await rows('SELECT 40 + 2 AS n'))[0].n, 42);
    await db.end();
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (e) {
      console.log(`FAIL ${name}: ${e.message}`);
      process.exitCode = 1;
      if (db === undefined) break;
    }
  }
  if (db) db.destroy();
})();
