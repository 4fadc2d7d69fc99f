// go-sql-driver: text without arguments, prepared with them. See README.md.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

const unicode = "Grüße, 世界 😀"
const insert = "INSERT INTO t VALUES (?, ?, ?)"

var pool *sql.DB
var db *sql.Conn
var ctx = context.Background()

func connect() error {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net = os.Getenv("E2E_USER"), os.Getenv("E2E_PASSWORD"), "tcp"
	c.Addr = os.Getenv("E2E_HOST") + ":" + os.Getenv("E2E_PORT")
	c.DBName = os.Getenv("E2E_DB")
	c.AllowAllFiles = true
	c.Params = map[string]string{"charset": "utf8mb4"}
	if os.Getenv("E2E_TLS") == "1" {
		c.TLSConfig = "skip-verify"
	}
	var err error
	if pool, err = sql.Open("mysql", c.FormatDSN()); err != nil {
		return err
	}
	db, err = pool.Conn(ctx)
	return err
}

func expect(got, wanted interface{}) error {
	if got != wanted {
		return fmt.Errorf("%v instead of %v", got, wanted)
	}
	return nil
}

// The rows as text: "1,a;2,NULL".
func rows(query string, args ...interface{}) (string, error) {
	r, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer r.Close()
	columns, err := r.Columns()
	if err != nil {
		return "", err
	}
	var out []string
	for r.Next() {
		values := make([]sql.NullString, len(columns))
		to := make([]interface{}, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := r.Scan(to...); err != nil {
			return "", err
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = "NULL"
			if v.Valid {
				row[i] = v.String
			}
		}
		out = append(out, strings.Join(row, ","))
	}
	return strings.Join(out, ";"), r.Err()
}

func answers(wanted, query string, args ...interface{}) error {
	got, err := rows(query, args...)
	if err != nil {
		return err
	}
	return expect(got, wanted)
}

func run(query string, args ...interface{}) error {
	_, err := db.ExecContext(ctx, query, args...)
	return err
}

// The first error of some.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func inTransaction(id int, end func(*sql.Tx) error, wanted string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(insert, id, "transaction", nil); err != nil {
		return err
	}
	return first(end(tx), answers(wanted, "SELECT COUNT(*) FROM t WHERE id = ?", id))
}

func large(args ...interface{}) error {
	r, err := db.QueryContext(ctx, "SELECT id, name FROM shared.large WHERE id > 0"+strings.Repeat(" AND id > ?", len(args)), args...)
	if err != nil {
		return err
	}
	defer r.Close()
	var count, sum int64
	for r.Next() {
		var id int64
		var name string
		if err := r.Scan(&id, &name); err != nil {
			return err
		}
		count++
		sum += id
	}
	return first(r.Err(), expect(count, int64(100000)), expect(sum, int64(5000050000)))
}

var checks = []struct {
	name string
	run  func() error
}{
	{"connect", func() error {
		if err := connect(); err != nil {
			return err
		}
		return answers(os.Getenv("E2E_USER"), "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)")
	}},
	{"tls", func() error {
		got, err := rows("SHOW STATUS LIKE 'Ssl_cipher'")
		return first(err, expect(got != "Ssl_cipher,", os.Getenv("E2E_TLS") == "1"))
	}},
	{"text", func() error {
		return first(run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))"),
			run("INSERT INTO t VALUES (1, 'text', 1.50)"), answers("1,text,1.50", "SELECT * FROM t"))
	}},
	{"prepared", func() error {
		return first(run(insert, 2, "prepared", 2.25), answers("2,prepared,2.25", "SELECT * FROM t WHERE id = ?", 2))
	}},
	{"commit", func() error { return inTransaction(3, (*sql.Tx).Commit, "1") }},
	{"rollback", func() error { return inTransaction(4, (*sql.Tx).Rollback, "0") }},
	{"large", func() error { return first(large(), large(0)) }},
	{"unicode", func() error {
		return first(run(insert, 5, unicode, nil), answers(unicode, "SELECT name FROM t WHERE name = ?", unicode),
			answers("11", "SELECT CHAR_LENGTH(name) FROM t WHERE id = 5"))
	}},
	{"null", func() error {
		return first(run(insert, 6, nil, nil), answers("NULL,NULL", "SELECT name, price FROM t WHERE id = ?", 6))
	}},
	{"duplicate", func() error {
		var e *mysql.MySQLError
		if err := run(insert, 1, "again", 0); !errors.As(err, &e) {
			return fmt.Errorf("%v", err)
		}
		return expect(e.Number, uint16(1062))
	}},
	{"load", func() error {
		return first(run("CREATE TABLE l (id INT, name VARCHAR(20))"),
			run("LOAD DATA LOCAL INFILE '"+os.Getenv("E2E_FILE")+"' INTO TABLE l CHARACTER SET utf8mb4"),
			answers("eins;zwei ß;NULL", "SELECT name FROM l ORDER BY id"))
	}},
	{"again", func() error {
		if err := first(db.Close(), pool.Close(), connect()); err != nil {
			return err
		}
		return answers("42", "SELECT 40 + 2")
	}},
}

func main() {
	status := 0
	for _, c := range checks {
		if err := c.run(); err != nil {
			fmt.Printf("FAIL %s: %v\n", c.name, err)
			status = 1
			if db == nil {
				break
			}
			continue
		}
		fmt.Println("ok", c.name)
	}
	os.Exit(status)
}
