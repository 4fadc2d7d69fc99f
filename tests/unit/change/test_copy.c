/* The list of copied tables: records, publishing, filters, keys, definitions. */
#include "copy_fixture.h"
#include "mirror/define.h"

/* ---- Filters ---- */

static bool takes(const char *include, const char *exclude, const char *db, const char *name)
{
    const struct str in = str_from_cstr(include);
    const struct str out = str_from_cstr(exclude);
    const struct copy_filter f = {.include_count = include != NULL,
                                  .include = &in,
                                  .exclude_count = exclude != NULL,
                                  .exclude = &out};
    return copy_filter_takes(&f, str_from_cstr(db), str_from_cstr(name));
}

static void test_filter(void **state)
{
    (void)state;
    assert_true(takes(NULL, NULL, "a", "b"));
    assert_false(takes(NULL, NULL, "mysql", "b"));
    assert_false(takes(NULL, NULL, "INFORMATION_SCHEMA", "b"));
    assert_true(takes("a.*", NULL, "a", "b"));
    assert_true(takes("a", NULL, "a", "b"));
    assert_false(takes("a.*", NULL, "ab", "b"));
    assert_true(takes("a?.t*x*", NULL, "ab", "tyxz"));
    assert_false(takes("a?.t*x*", NULL, "ab", "tyz"));
    assert_false(takes("*", "a.t", "a", "t"));
    assert_true(takes("*.*", "a.t", "a", "T"));
    assert_true(takes("a.b.c", NULL, "a", "b.c"));
}

/* ---- Text of definitions ---- */

static void test_schema_hash(void **state)
{
    (void)state;
    const struct str a = STR("CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB DEFAULT CHARSET=x");
    const struct str b =
        STR("CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB AUTO_INCREMENT=12 DEFAULT CHARSET=x");
    const struct str c =
        STR("CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB AUTO_INCREMENT=13 DEFAULT CHARSET=x");
    const struct str d = STR("CREATE TABLE `t` (\n  `b` int\n) ENGINE=InnoDB DEFAULT CHARSET=x");
    const struct str e =
        STR("CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=1'\n) ENGINE=InnoDB");
    const struct str g =
        STR("CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=2'\n) ENGINE=InnoDB");
    assert_true(copy_schema_hash(a) == copy_schema_hash(b));
    assert_true(copy_schema_hash(b) == copy_schema_hash(c));
    assert_true(copy_schema_hash(a) != copy_schema_hash(d));
    assert_true(copy_schema_hash(e) != copy_schema_hash(g));
    assert_true(copy_schema_hash(STR("")) != 0);
}

/* ---- Definitions ---- */

struct definer {
    struct copy_fixture f;
    struct mirror_model model;
    struct exec_session x;
};

static void definer_init(struct definer *d, enum upstream_kind kind, uint32_t version)
{
    copy_fixture_init(&d->f, kind, version);
    mirror_model_init(&d->model);
    mirror_model_set(&d->model, d->f.server, kind, version);
    exec_session_init(&d->x, &d->model.server, 0);
}

static void definer_release(struct definer *d)
{
    exec_session_release(&d->x);
    mirror_model_release(&d->model);
    copy_fixture_release(&d->f);
}

/* NULL when it cannot be copied. */
static struct table_def *define(struct definer *d, const char *sql)
{
    struct table_def *t;
    diag_reset(&d->f.diag);
    d->model.server.catalog = d->f.server->catalog; /* another one since a restart */
    return copy_define(&d->x, STR("d"), str_from_cstr(sql), &t, &d->f.diag) == 0 ? t : NULL;
}

static const char *key_of(struct definer *d, const char *sql)
{
    struct table_def *t = define(d, sql);
    struct copy_key key;
    struct str text = STR("");
    check_done(&d->f, t == NULL ? -1 : 0);
    copy_choose_key(t, &d->f.arena, &key);
    for (uint32_t i = 0; i < key.count; i++) {
        text = arena_printf(&d->f.arena, "%.*s%s%.*s", STR_FMT(text), i > 0 ? "," : "",
                            STR_FMT(t->columns[key.columns[i]].name));
    }
    text = arena_printf(&d->f.arena, "%s%.*s", key.is_primary ? "primary " : "", STR_FMT(text));
    table_def_unref(t);
    return text.p;
}

COPY_TEST(test_keys)
{
    struct definer *d = calloc(1, sizeof(*d));
    (void)arg;
    definer_init(d, UPSTREAM_MYSQL, 90704);
    expect_text(key_of(d, "CREATE TABLE t (a INT, b INT, PRIMARY KEY (b, a))"), "primary b,a");
    expect_text(key_of(d, "CREATE TABLE t (a INT NOT NULL, b INT, UNIQUE (b), UNIQUE (a))"), "a");
    expect_text(key_of(d, "CREATE TABLE t (a VARCHAR(9) NOT NULL, UNIQUE (a(3)))"), "");
    expect_text(key_of(d, "CREATE TABLE t (a FLOAT PRIMARY KEY)"), "");
    expect_text(key_of(d, "CREATE TABLE t (a INT, KEY (a))"), "");
    expect_text(key_of(d, "CREATE TABLE t (a INT, `my_row_id` bigint unsigned NOT NULL "
                          "AUTO_INCREMENT /*!80023 INVISIBLE */, PRIMARY KEY (`my_row_id`))"),
                "primary my_row_id");
    definer_release(d);
    free(d);
}

/* The definition has that many columns, or cannot be had for a reason that holds that text. */
static void expect_definition(struct definer *d, const char *sql, uint32_t columns,
                              const char *reason)
{
    struct table_def *t = define(d, sql);
    if (reason == NULL) {
        check_done(&d->f, t == NULL ? -1 : 0);
        check(t->column_count == columns);
    } else {
        check(t == NULL && d->f.diag.error != NULL);
        const struct str m = d->f.diag.error->message;
        if (memmem(m.p, m.len, reason, strlen(reason)) == NULL) {
            (void)fprintf(stderr, "%.*s\n", STR_FMT(m));
            abort();
        }
    }
    table_def_unref(t);
}

COPY_TEST(test_define)
{
    struct definer *d = calloc(1, sizeof(*d));
    (void)arg;
    definer_init(d, UPSTREAM_MARIADB, 101119);
    expect_definition(d,
                      "CREATE TABLE t (a INT, b INT AS (a + 1) STORED, c VARCHAR(9) DEFAULT "
                      "(uuid()), CHECK (a > 0), FULLTEXT KEY (c))",
                      3, NULL);
    expect_definition(d, "CREATE VIEW v AS SELECT 1", 0, "this kind of table");
    expect_definition(d, "CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (a))", 1, NULL);
    expect_definition(d,
                      "CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (a) ON DELETE CASCADE)",
                      0, "does not log the rows");
    expect_definition(d, "CREATE TABLE t (a UUID)", 0, "support 'UUID'");
    expect_definition(d, "CREATE TABLE t (a TEXT, UNIQUE (a))", 0, "key specification");
    expect_definition(d, "CREATE TABLE t (a INT) WITH SYSTEM VERSIONING", 0, "near");
    definer_release(d);
    definer_init(d, UPSTREAM_MYSQL, 90704);
    expect_definition(
        d, "CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (a) ON DELETE CASCADE)", 1, NULL);
    definer_release(d);
    free(d);
}

/* ---- Life of a table ---- */

static void change(struct copy_fixture *f, struct copy_table *before, struct copy_table *after)
{
    struct copy_change c = {.before = before, .after = after};
    if (before != NULL) {
        copy_table_ref(before);
    }
    copy_lock(f->copy, &c);
    check_done(f, engine_begin(f->engine, 0, &f->diag));
    check_done(f, copy_store(f->copy, f->engine, &c, &f->diag));
    check_done(f, engine_commit(f->engine, &f->diag));
    copy_publish(f->copy, &c);
}

COPY_TEST(test_life)
{
    struct definer *d = calloc(1, sizeof(*d));
    struct copy_fixture *f = &d->f;
    (void)arg;
    definer_init(d, UPSTREAM_MYSQL, 90704);
    const struct str db = STR("e");
    const struct str name = STR("t");

    /* Waiting, then loading under a definition, with progress. */
    change(f, NULL, copy_table_new(f->server, db, name, COPY_PENDING, NULL, STR("why")));
    expect_text(copy_fixture_list(f), "e.t pending (why)");
    copy_fixture_restart(f);
    expect_text(copy_fixture_list(f), "e.t pending (why)");
    struct table_def *def = define(d, "CREATE TABLE t (a INT, b INT, PRIMARY KEY (b))");
    def->db = db;
    struct copy_table *now = copy_find(f->copy, db, name);
    struct copy_table *t = copy_table_new(f->server, db, name, COPY_LOADING, def, STR_NULL);
    t->schema_hash = UINT64_MAX;
    check(t->id == def->id && t->key.count == 1 && t->key.columns[0] == 1);
    table_def_unref(def);
    change(f, now, t);
    copy_table_unref(now);
    expect_text(copy_fixture_catalog(f), "");
    now = copy_find(f->copy, db, name);
    copy_set_last_key(f->copy, now, STR("[17]"));
    atomic_store(&now->rows_copied, 5);
    check_done(f, copy_store_progress(f->copy, f->engine, now, &f->diag));
    copy_table_unref(now);
    copy_fixture_restart(f);
    expect_text(copy_fixture_list(f), "e.t loading");
    expect_text(copy_why_not(f->copy, db, name, &f->arena).p, "it is being copied (5 rows so far)");
    now = copy_find(f->copy, db, name);
    check(str_eq(copy_last_key(f->copy, now, &f->arena), STR("[17]")));
    check(now->schema_hash == UINT64_MAX && now->key.columns[0] == 1);

    /* Live: in the catalog, with the database, also after a restart. */
    change(f, now, copy_table_with_state(now, COPY_LIVE, STR_NULL));
    copy_table_unref(now);
    expect_text(copy_fixture_catalog(f), "e.t(a,b)");
    copy_fixture_restart(f);
    expect_text(copy_fixture_list(f), "e.t live");
    expect_text(copy_fixture_catalog(f), "e.t(a,b)");
    expect_text(copy_fixture_rows(f, "e", "t"), "");
    now = copy_find(f->copy, db, name);
    check(atomic_load(&now->copied_us) > 0);

    /* Set aside: storage and definition go. */
    change(f, now, copy_table_new(f->server, db, name, COPY_ASIDE, NULL, STR("too odd")));
    copy_table_unref(now);
    expect_text(copy_fixture_catalog(f), "");
    expect_text(copy_why_not(f->copy, db, name, &f->arena).p, "it is not copied: too odd");
    now = copy_find(f->copy, db, name);
    change(f, now, NULL);
    copy_table_unref(now);
    copy_fixture_restart(f);
    expect_text(copy_fixture_list(f), "");
    definer_release(d);
    free(d);
}

/* What is rolled back leaves nothing, neither in the list nor in the engine. */
COPY_TEST(test_rolled_back)
{
    struct copy_fixture f;
    (void)arg;
    copy_fixture_init(&f, UPSTREAM_MYSQL, 90704);
    expect_list(&f, "CREATE TABLE t (id INT PRIMARY KEY)", "d.t live");
    copy_fixture_insert(&f, "t", (const int64_t[]){1});
    const struct binlog_query q = copy_fixture_query("DROP TABLE t");
    struct change_ddl_plan plan;
    check_done(&f, change_ddl_plan(f.ddl, &q, &f.arena, &f.diag, &plan));
    change_ddl_lock(f.ddl, &plan);
    check_done(&f, engine_begin(f.engine, 0, &f.diag));
    check_done(&f, change_ddl_apply(f.ddl, f.engine, &plan, &f.diag));
    engine_rollback(f.engine);
    change_ddl_abandon(f.ddl, &plan);
    expect_text(copy_fixture_rows(&f, "d", "t"), "1");
    copy_fixture_restart(&f);
    expect_text(copy_fixture_list(&f), "d.t live");
    expect_list(&f, "DROP TABLE t", "");
    copy_fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter), cmocka_unit_test(test_schema_hash),
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_define),
        cmocka_unit_test(test_life),   cmocka_unit_test(test_rolled_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
